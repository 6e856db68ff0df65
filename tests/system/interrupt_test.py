"""Ctrl-C, and the death of the supervisor itself: what was measured is kept, nothing stays behind."""

import json
import os
import signal
import subprocess
import time
import unittest

from harness import EXIT_INTERRUPTED, EXIT_OUTPUT, FAST, SystemTest

SLOW = [*FAST, "--max-seconds", "60", "--precision", "0.0001%"]


class Interrupt(SystemTest):
    def wait_for_rows(self, path, rows, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if path.exists() and len(json.loads(path.read_text())["results"]) >= rows:
                return
            time.sleep(0.05)
        self.fail(f"{path} did not get {rows} rows")

    def wait_for_worker(self, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if len(self.left_running()) >= 2:
                return
            time.sleep(0.02)
        self.fail("no worker was started")

    def test_ctrl_c_ends_within_two_seconds_and_keeps_the_rows(self):
        model = self.synth()
        with self.rpc_server() as address:
            path = self.folder / "run.json"
            # The first row is quick, the others run until they are interrupted.
            running = self.start_sweetspot("profile", model, *SLOW[:-4], "--max-seconds", "3",
                                           "--precision", "0.0001%", "--layers", "0,2,4", "--rpc",
                                           address, "-o", path, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE, text=True)
            self.wait_for_rows(path, 1)
            time.sleep(0.3)
            asked = time.monotonic()
            running.send_signal(signal.SIGINT)
            stdout, stderr = running.communicate(timeout=20)
            took = time.monotonic() - asked
        self.assertEqual(running.returncode, EXIT_INTERRUPTED, stderr)
        self.assertLess(took, 2.0)
        run = json.loads(path.read_text())
        self.assertFalse(run["complete"])
        self.assertEqual(run["results"][0]["status"], "measured")
        self.assertIn("kept in", stderr)
        self.assertIn("tokens/s", stdout, "what was measured is shown")

    def test_ctrl_c_while_loading_leaves_nothing(self):
        model = self.synth()
        running = self.start_sweetspot("profile", model, *SLOW, "--layers", "0", "-o", "run.json",
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.wait_for_worker()
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=10)
        self.assertEqual(running.returncode, EXIT_INTERRUPTED, stderr)

    def test_every_signal_that_asks_to_end_is_ctrl_c(self):
        """Also a closed terminal (SIGHUP) and Ctrl-\\."""
        model = self.synth()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signal=number.name):
                running = self.start_sweetspot("profile", model, *SLOW, "--layers", "0", "-o", "run.json",
                                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                self.wait_for_worker()
                running.send_signal(number)
                _, stderr = running.communicate(timeout=10)
                self.assertEqual(running.returncode, EXIT_INTERRUPTED, stderr)

    def test_nohup_goes_on(self):
        model = self.synth()
        running = self.start_sweetspot("profile", model, *FAST, "--layers", "0", "-o", "run.json",
                                       preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.wait_for_worker()
        running.send_signal(signal.SIGHUP)
        _, stderr = running.communicate(timeout=60)
        self.assertEqual(running.returncode, 0, stderr)

    def test_sigkill_of_the_supervisor_takes_the_worker_along(self):
        model = self.synth()
        running = self.start_sweetspot("profile", model, *SLOW, "--layers", "0", "-o", "run.json",
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_for_worker()
        time.sleep(0.5)
        running.kill()
        running.wait()
        self.assert_nothing_is_left(within_seconds=2)

    def test_a_model_that_shrinks_while_it_is_measured_is_named(self):
        model = self.synth()
        path = self.folder / "run.json"
        running = self.start_sweetspot("profile", model, *SLOW, "--layers", "0", "-o", path,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wait_for_worker()
        time.sleep(1)
        os.truncate(model, 4096)  # the weights are mapped: the next read of them is a SIGBUS
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)  # in case everything was already in a cache
        running.communicate(timeout=30)
        row = json.loads(path.read_text())["results"][0]
        self.assertEqual(row["error"]["class"], "model-invalid", row["error"])
        self.assertIn("changed", row["error"]["message"])

    def test_serve_ends_on_ctrl_c(self):
        with self.rpc_server():
            pass


class Output(SystemTest):
    def test_a_folder_that_is_not_there_is_said_before_anything_is_measured(self):
        done = self.run_sweetspot("profile", "no-model.gguf", "--quick", "-o", "no/folder/x.json")
        self.assert_clear_sentence(done, EXIT_OUTPUT, "no/folder")

    def test_a_folder_that_cannot_be_written(self):
        done = self.run_sweetspot("profile", "no-model.gguf", "--quick", "-o", "/proc/run.json")
        self.assert_clear_sentence(done, EXIT_OUTPUT, "/proc/run.json")

    def test_a_disk_that_fills_up_shows_the_results_and_keeps_the_old_file(self):
        # A file-size limit below one run's JSON: the write fails midway, as on a full disk.
        model = self.synth()
        path = self.folder / "run.json"
        path.write_text("the old results")
        command = ["sh", "-c", 'ulimit -f 4; exec "$0" "$@"', str(self.sweetspot()), "profile",
                   str(model), *FAST, "--layers", "0", "-o", str(path)]
        done = subprocess.run(command, cwd=self.folder, env=self.environment(), text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, EXIT_OUTPUT, done.stderr)
        self.assertIn("tokens/s", done.stdout, "measured results are shown all the same")
        self.assertEqual(path.read_text(), "the old results")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["data", "run.json", "tiny.gguf"])

    @staticmethod
    def sweetspot():
        from harness import SWEETSPOT
        return SWEETSPOT


if __name__ == "__main__":
    unittest.main()
