"""Every command with a stdout or a stderr that cannot be written: full, closed, never read, closed early, limited.

A result that nobody got is exit code 6, what is said besides is dropped, and nothing aborts or waits for ever."""

import contextlib
import fcntl
import os
import resource
import signal
import subprocess
import time
import unittest

from harness import (EXIT_INTERRUPTED, EXIT_MODEL, EXIT_NOTHING, EXIT_OUTPUT, FAST, NO_DEVICES, SCRIPTED_WORKER,
                     SWEETSPOT, TINY, SystemTest)

KINDS = ("full device", "closed", "unread pipe", "pipe closed early", "no file size")
GOES_ON = 30  # seconds; far more than a command of these needs


class Streams(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.synth()
        kept = self.run_sweetspot("profile", self.model, *FAST, "--layers", "0", env=NO_DEVICES)
        self.assertEqual(kept.returncode, 0, kept.stderr)

    def commands(self):
        """What is typed, its exit code, whether it says anything on stdout."""
        model = self.model
        return [
            (["--help"], 0, True),
            (["--version"], 0, True),
            (["profile", "--help"], 0, True),
            (["devices"], 0, True),
            (["devices", "--json"], 0, True),
            (["inspect", model], 0, True),
            (["inspect", model, "--json"], 0, True),
            (["inspect", "/none"], EXIT_MODEL, False),
            (["plan", model, "--vram-limit", "1GiB"], 0, True),
            (["plan", model, "--json"], 0, True),
            (["plan", model, "--flags", "--vram-limit", "1GiB"], 0, True),
            (["choose", model], 0, True),
            (["choose", model, "--json"], 0, True),
            (["choose", model, "--format", "env"], 0, True),
            (["choose", model, "--min-ctx", "1000000000"], EXIT_NOTHING, True),
            (["profiles", "list"], 0, True),
            (["profiles", "list", "--json"], 0, True),
            (["profiles", "show", model], 0, True),
            (["profiles", "export", model], 0, True),
            (["launch", model, "--dry-run"], 0, True),
            (["synth", "again.gguf", *TINY], 0, True),
            (["profile", model, *FAST, "--layers", "0", "-o", "run.json"], 0, True),
            (["profile", model, *FAST, "--layers", "0", "-o", "run.json", "--json"], 0, True),
            (["tune", model, *FAST[:6], "-p", "32", "-n", "16", "-d", "0", "--max-minutes", "0.1", "-o", "run.json",
              "--json"], None, True),
            (["no-such-command"], 2, False),
        ]

    @contextlib.contextmanager
    def spoiled(self, kind):
        """A descriptor to write to, and what the child does first; None = it closes its own."""
        if kind == "full device":
            fd = os.open("/dev/full", os.O_WRONLY)
            yield fd, []
            os.close(fd)
        elif kind == "closed":
            yield None, []
        elif kind == "no file size":
            fd = os.open(self.folder / "limited.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            yield fd, [(resource.RLIMIT_FSIZE, 0)]
            os.close(fd)
        else:
            reader, writer = os.pipe()
            if kind == "unread pipe":
                fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
                os.write(writer, b"x" * 4096)
            else:
                os.close(reader)
            yield writer, []
            os.close(writer)
            if kind == "unread pipe":
                os.close(reader)

    @contextlib.contextmanager
    def started(self, arguments, stream, kind):
        number = {"stdout": 1, "stderr": 2}[stream]
        with self.spoiled(kind) as (fd, limits):
            def prepare():
                if fd is None:
                    os.close(number)
                for name, value in limits:
                    resource.setrlimit(name, (value, value))
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)

            streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                       stream: fd if fd is not None else subprocess.DEVNULL}
            # What is measured is not what this is about: a worker that only pretends takes no time.
            measures = arguments[0] in ("profile", "tune")
            worker = {"SWEETSPOT_WORKER": str(SCRIPTED_WORKER), "SWEETSPOT_SCRIPT": "{}"} if measures else {}
            running = subprocess.Popen([SWEETSPOT, *map(str, arguments)], cwd=self.folder, preexec_fn=prepare,
                                       env=self.environment({**NO_DEVICES, **worker}), stdin=subprocess.DEVNULL,
                                       text=True, **streams)
            yield running

    def check_stdout(self, arguments, code, says, kind):
        with self.started(arguments, "stdout", kind) as running:
            self.check_running(running, arguments, code, says, kind)

    def check_running(self, running, arguments, code, says, kind):
        if kind == "unread pipe" and says:
            # It waits for its reader, as every program does, until it is told to end.
            if arguments[0] in ("profile", "tune") and "--help" not in arguments:
                time.sleep(0.5)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(timeout=0.5)
                self.fail(f"it ended with {running.returncode} and nobody got its result")
            running.send_signal(signal.SIGTERM)
            _, errors = running.communicate(timeout=GOES_ON)
            self.assertIn(running.returncode, (EXIT_INTERRUPTED, code or EXIT_INTERRUPTED), errors)
            return
        _, errors = running.communicate(timeout=GOES_ON)
        self.assertNotIn("internal error", errors)
        if says and kind == "pipe closed early":
            self.assertIn(running.returncode, (0, EXIT_NOTHING) if code is None else (code,), errors)
            self.assertNotIn("cannot be written", errors)
        elif says and code in (0, None):
            if code == 0:
                self.assertEqual(running.returncode, EXIT_OUTPUT, errors)
            self.assertIn("cannot be written to stdout", errors)
        elif code is not None:
            self.assertEqual(running.returncode, code, errors)

    def check_stderr(self, arguments, code, kind):
        with self.started(arguments, "stderr", kind) as running:
            running.communicate(timeout=GOES_ON)
        if code is None:
            self.assertIn(running.returncode, (0, EXIT_NOTHING))
        else:
            self.assertEqual(running.returncode, code)

    def test_every_command_with_a_stdout_that_takes_nothing(self):
        for arguments, code, says in self.commands():
            for kind in KINDS:
                if kind == "no file size" and arguments[0] in ("plan", "synth", "profile", "tune"):
                    continue  # its files cannot be written either, which other tests are about
                with self.subTest(command=" ".join(map(str, arguments[:2])), stdout=kind):
                    self.check_stdout(arguments, code, says, kind)

    def test_every_command_with_a_stderr_that_takes_nothing(self):
        for arguments, code, _ in self.commands():
            for kind in KINDS:
                if kind == "no file size" and arguments[0] in ("plan", "synth", "profile", "tune"):
                    continue
                with self.subTest(command=" ".join(map(str, arguments[:2])), stderr=kind):
                    self.check_stderr(arguments, code, kind)

    def test_a_server_of_ours_ends_whatever_its_stdout_is(self):
        for kind in KINDS:
            with self.subTest(stdout=kind):
                with self.started(["serve", "--listen", "127.0.0.1:0"], "stdout", kind) as running:
                    time.sleep(1.0)
                    running.send_signal(signal.SIGTERM)
                    _, errors = running.communicate(timeout=GOES_ON)
                self.assertNotIn("internal error", errors)
                self.assertGreaterEqual(running.returncode, 0, errors)

    def test_both_closed(self):
        done = subprocess.run(["sh", "-c", '"$0" inspect "$1" >&- 2>&-', SWEETSPOT, self.model], timeout=GOES_ON,
                              env=self.environment(NO_DEVICES), check=False)
        self.assertEqual(done.returncode, EXIT_OUTPUT)

    def test_a_closed_stdin_is_an_empty_one(self):
        done = subprocess.run(["sh", "-c", '"$0" inspect "$1" <&- >/dev/null', SWEETSPOT, self.model], timeout=GOES_ON,
                              env=self.environment(NO_DEVICES), check=False)
        self.assertEqual(done.returncode, 0)

    def test_a_run_is_kept_whatever_its_stdout_is(self):
        command = ["profile", self.model, *FAST, "--layers", "0", "-o", "kept.json"]
        with self.started(command, "stdout", "full device") as running:
            _, errors = running.communicate(timeout=60)
        self.assertEqual(running.returncode, EXIT_OUTPUT, errors)
        self.assertTrue((self.folder / "kept.json").exists())

    def test_a_launch_whose_stdout_nobody_reads_ends_with_the_first_signal(self):
        with self.started(["launch", self.model, "--", "sh", "-c", "yes # {model}"], "stdout", "unread pipe") as running:
            time.sleep(1.5)
            asked = time.monotonic()
            running.send_signal(signal.SIGTERM)
            running.communicate(timeout=GOES_ON)
        self.assertLess(time.monotonic() - asked, 10)

    def test_a_program_goes_on_where_the_disk_of_its_log_is_full(self):
        script = "echo one; sleep 0.3; echo two && echo three > written.txt # {model}"
        for stream in ("stdout", "stderr"):
            with self.subTest(stream=stream):
                (self.folder / "written.txt").unlink(missing_ok=True)
                with self.started(["launch", self.model, "--", "sh", "-c", script], stream, "full device") as running:
                    running.communicate(timeout=GOES_ON)
                self.assertEqual(running.returncode, 0)
                self.assertTrue((self.folder / "written.txt").exists())

    def test_a_program_that_dies_is_started_again_though_nobody_can_be_told(self):
        """A launch has to tell of each start, on a stderr that takes nothing."""
        script = "echo start >> starts.txt; test $(wc -l < starts.txt) -ge 3 || kill -9 $$ # {model}"
        for kind in KINDS:
            with self.subTest(stderr=kind):
                (self.folder / "starts.txt").unlink(missing_ok=True)
                with self.started(["launch", self.model, "--json", "--", "sh", "-c", script], "stderr",
                                  kind if kind != "no file size" else "full device") as running:
                    running.communicate(timeout=GOES_ON)
                self.assertGreaterEqual(running.returncode, 0)


if __name__ == "__main__":
    unittest.main()
