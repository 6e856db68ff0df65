"""A machine that gives no more processes, threads, descriptors, or no /proc: a sentence of its own and exit code 71."""

import os
import resource
import shutil
import subprocess
import unittest

from harness import EXIT_HOST_LIMIT, FAST, SWEETSPOT, SystemTest

# An account that nobody else has, so that only what a test starts counts.
ACCOUNT = 200_000 + os.getpid()


def few_descriptors(limit):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def few_processes(limit):
    """The kernel holds nobody with the rights of root to it."""
    def become():
        os.setgroups([])
        os.setgid(ACCOUNT)
        os.setuid(ACCOUNT)
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
    return become


class HostLimits(SystemTest):
    def commands(self):
        model = self.synth()
        return {"devices": ["devices"], "inspect": ["inspect", model], "plan": ["plan", model],
                "choose": ["choose", model],
                "profile": ["profile", model, "--layers", "0", *FAST, "-o", self.folder / "run.json"],
                "launch": ["launch", model, "--", self.server(), "--no-such-flag"]}

    def server(self):
        program = self.folder / "llama-server"
        program.write_text("#!/bin/sh\nexec sleep 60\n")
        program.chmod(0o755)
        return program

    def assert_limit(self, done, *words):
        """Of several lines the last one: `launch` tells first what it tries without a plan."""
        last = [line for line in done.stderr.splitlines() if line.startswith("sweetspot: ")][-1:]
        self.assert_clear_sentence(
            subprocess.CompletedProcess(done.args, done.returncode, done.stdout, "".join(last)),
            EXIT_HOST_LIMIT, *words)
        return last[0]

    def test_few_descriptors(self):
        for name, command in self.commands().items():
            for limit in (14, 20, 32):
                with self.subTest(command=name, limit=limit):
                    done = self.run_sweetspot(*command, preexec_fn=few_descriptors(limit))
                    self.assert_limit(done, "file descriptors", "ulimit -n")

    def test_few_processes(self):
        if os.getuid() != 0:
            self.skipTest("only root can become an account that nobody has")
        commands = self.commands()
        (self.folder / "data").mkdir(exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            path.chmod(0o777)
        for name, command in commands.items():
            # None to start the worker, none for our own thread, none for a thread of the worker's.
            for limit, what in ((1, "processes"), (2, "threads"), (3, "threads")):
                with self.subTest(command=name, limit=limit):
                    done = self.run_sweetspot(*command, preexec_fn=few_processes(limit))
                    said = self.assert_limit(done, "ulimit -u")
                    self.assertTrue(what in said or "processes" in said, said)

    def test_without_proc(self):
        mounts = ["unshare", "--mount", "--propagation", "private"]
        if not shutil.which("unshare") or subprocess.run(
                [*mounts, "umount", "-l", "/proc"], capture_output=True, check=False).returncode:
            self.skipTest("/proc cannot be taken away here")
        for name, command in self.commands().items():
            with self.subTest(command=name):
                done = subprocess.run(
                    [*mounts, "sh", "-c", 'umount -l /proc && exec "$0" "$@"', str(SWEETSPOT),
                     *map(str, command)], cwd=self.folder, env=self.environment(), text=True,
                    capture_output=True, timeout=60, check=False)
                self.assert_limit(done, "/proc")


if __name__ == "__main__":
    unittest.main()
