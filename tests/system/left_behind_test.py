"""A worker, or a server, that starts a daemon without a trace: forked twice, in a session of its own and with an empty
environment. However the command ends, nothing of it is left."""

import contextlib
import os
import pathlib
import signal
import subprocess
import time
import unittest

from harness import (EXIT_INTERNAL, EXIT_INTERRUPTED, SCRIPTED_WORKER, SystemTest)


class LeftBehind(SystemTest):
    def setUp(self):
        super().setUp()
        self.daemons = self.folder / "daemons"

    def with_daemon(self, program, name):
        """A program that first starts a daemon, which outlives its starter at once."""
        path = self.folder / name
        path.write_text(f"""#!/bin/sh
(env -i setsid sh -c 'echo $$ >> "{self.daemons}"; exec sleep 600 > /dev/null 2>&1 3>&- 4>&-' &)
while [ ! -s "{self.daemons}" ]; do sleep 0.01; done
exec "{program}" "$@"
""")
        path.chmod(0o755)
        return path

    def worker_environment(self, script="{}"):
        return {"SWEETSPOT_WORKER": str(self.with_daemon(SCRIPTED_WORKER, "worker")),
                "SWEETSPOT_SCRIPT": script}

    def assert_no_daemon(self):
        pids = [int(line) for line in self.daemons.read_text().split()]
        self.assertNotEqual(pids, [])
        left = []
        for pid in pids:
            with contextlib.suppress(OSError):
                if b"sleep" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    left.append(pid)
                    os.kill(pid, signal.SIGKILL)
        self.assertEqual(left, [])

    def test_a_normal_end(self):
        done = self.run_sweetspot("devices", env=self.worker_environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_no_daemon()

    def test_an_error(self):
        env = self.worker_environment('{"rules":[{"at":"inspect","do":"junk","text":"}{"}]}')
        done = self.run_sweetspot("inspect", "m.gguf", env=env)
        self.assert_clear_sentence(done, EXIT_INTERNAL, "protocol", str(self.folder / "worker"))
        self.assert_no_daemon()

    def test_ctrl_c(self):
        env = self.worker_environment('{"rules":[{"at":"load","do":"hang"}]}')
        running = self.start_sweetspot("profile", "m.gguf", "--layers", "0", "-o", "run.json", env=env,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self.daemons.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.wait(timeout=20), EXIT_INTERRUPTED)
        self.assert_no_daemon()

    def test_a_server_that_is_launched(self):
        server = self.with_daemon("/bin/sleep", "server")
        done = self.run_sweetspot("launch", self.synth(), "--json", "--", server, "0.5", "{n_gpu_layers}e-9",
                                  env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER), "SWEETSPOT_SCRIPT": "{}"})
        self.assertTrue(self.daemons.exists(), done.stdout + done.stderr)
        self.assert_no_daemon()


if __name__ == "__main__":
    unittest.main()
