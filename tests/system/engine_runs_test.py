"""profile, tune, plan, choose and launch with `--engine` and the real llama-server: on the CPU, on an RPC device and on
Vulkan's software device."""

import contextlib
import json
import re
import signal
import subprocess
import time
import urllib.request

from harness import EXIT_NOTHING, FAST, LLAMA_PROGRAMS, NO_DEVICES, SystemTest, free_port, main
from plan_truth import software_vulkan

SERVER = LLAMA_PROGRAMS / "llama-server"
SMALLEST = ["--blocks", "2", "--embd", "256", "--ff", "256", "--heads", "4", "--kv-heads", "2", "--vocab", "512"]
TUNE = ["-c", "256", "-p", "32", "-n", "16", "-d", "0", "-t", "1", "--max-seconds", "0.2", "--max-minutes", "2"]
UNCERTAIN = (0, EXIT_NOTHING)  # a busy machine may leave nothing to recommend


def printed_command(screen):
    """The command on a screen, on one line: it begins with the engine's path and goes on behind backslashes."""
    found = re.search(r"^ +(\S*llama-server (?:.*\\\n)*.*)", screen, re.M)
    return re.sub(r"\\\n *", "", found[1]) if found else None


class EngineRuns(SystemTest):
    def setUp(self):
        super().setUp()
        if not SERVER.exists():
            self.skipTest("there is no llama-server beside the llama.cpp that was built against")

    def model(self):
        model = self.synth("tiny.gguf", *SMALLEST)
        self.needs_llama_cpp(model)
        return model

    def ran(self, *arguments, env=None, timeout=120, may_end_with=(0,)):
        done = self.run_sweetspot(*arguments, env={**NO_DEVICES, **(env or {})}, timeout=timeout)
        self.assertIn(done.returncode, may_end_with, done.stdout + done.stderr)
        return done

    def assert_serves(self, port, process):
        """It answers that it is well, and then a question."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).status == 200:
                    break
            time.sleep(0.1)
        question = urllib.request.Request(f"http://127.0.0.1:{port}/completion",
                                          json.dumps({"prompt": [5, 6, 7], "n_predict": 4}).encode(),
                                          {"Content-Type": "application/json"})
        with urllib.request.urlopen(question, timeout=30) as answer:
            self.assertGreater(json.load(answer)["timings"]["predicted_n"], 0)

    def assert_launches(self, model, *words):
        """`launch` starts the engine with what was measured, and it serves."""
        port = free_port()
        launched = self.start_sweetspot("launch", model, *words, "--port", str(port), env=NO_DEVICES,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.assert_serves(port, launched)
        finally:
            said = self.ended(launched)[1]
        self.assertIn("sweetspot: starting profile ", said)

    def ended(self, process):
        process.send_signal(signal.SIGTERM)
        return process.communicate(timeout=30)

    # ---- the processor alone

    def test_profiles_belong_to_the_engine_they_were_measured_with(self):
        model = self.model()
        engine = self.folder / "mine/llama-server"
        engine.parent.mkdir()
        engine.symlink_to(SERVER)
        measured = self.ran("profile", model, *FAST, "--max-seconds", "1", "--engine", engine)
        self.assertTrue(printed_command(measured.stdout).startswith(f"{engine} --model {model} "), measured.stdout)
        run = json.loads(self.runs()[0].read_text())
        self.assertEqual(run["engine"]["program"], str(engine))

        chosen = self.ran("choose", model)
        self.assertIn("(measured ", chosen.stdout)
        self.assertTrue(printed_command(chosen.stdout).startswith(str(engine)), chosen.stdout)
        port = free_port()
        launched = self.start_sweetspot("launch", model, "--port", str(port), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)
        try:
            self.assert_serves(port, launched)
            started = [words for _, words in self.left_running() if str(port).encode() in words]
            self.assertTrue(any(b"--flash-attn" in words for words in started), started)
        finally:
            self.ended(launched)

        # Named, another engine has no measured profiles, and the screen does not claim any.
        other = self.ran("choose", model, "--engine", "linked")
        self.assertIn("planned, not measured", other.stdout)
        self.assertNotIn(str(engine), other.stdout)

        # The same path with another program behind it.
        engine.unlink()
        engine.write_text(f"#!/bin/sh\nexec '{SERVER}' \"$@\"\n")
        engine.chmod(0o755)
        self.assertIn("another one than it was", self.ran("choose", model).stdout)
        engine.unlink()
        gone = self.ran("launch", model, "--dry-run")
        self.assertIn("the engine that these profiles were measured with", gone.stderr)
        self.assertIn(str(engine), gone.stderr)
        self.assertNotIn(f"{engine} ", gone.stdout)

    def test_the_command_that_tune_prints_works_by_hand(self):
        model = self.model()
        tuned = self.ran("tune", model, *TUNE, "--engine", SERVER, timeout=300)
        command = printed_command(tuned.stdout)
        self.assertIsNotNone(command, tuned.stdout)
        self.assertTrue(command.startswith(str(SERVER)), command)
        port = free_port()
        server = subprocess.Popen(f"exec {command} --port {port}", shell=True, cwd=self.folder,
                                  env=self.environment(NO_DEVICES), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            self.assert_serves(port, server)
        finally:
            self.ended(server)

    # ---- devices

    def test_an_rpc_device(self):
        model = self.model()
        with self.rpc_server() as address:
            words = ["--rpc", address, "--engine", SERVER]
            planned = json.loads(self.ran("plan", model, "-c", "256", "--json", *words).stdout)
            done = self.ran("profile", model, *FAST, "--json", "--layers", "1,-1", *words, may_end_with=UNCERTAIN)
            chosen = self.ran("choose", model, *words)
            if done.returncode == 0:
                self.assertIn("(measured ", chosen.stdout)
                self.assert_launches(model, *words)
        self.assertTrue(planned["recommended"], planned)
        self.assert_measured_on("RPC0", json.loads(done.stdout))

    def test_a_tune_with_an_rpc_device(self):
        model = self.model()
        with self.rpc_server() as address:
            words = ["--rpc", address, "--engine", SERVER]
            tuned = self.ran("tune", model, *TUNE, *words, "--json", timeout=300, may_end_with=UNCERTAIN)
            if tuned.returncode == 0:
                self.assert_launches(model, *words)
        self.assert_measured_on("RPC0", json.loads(tuned.stdout))

    def test_vulkan_s_software_device(self):
        vulkan, why_not = software_vulkan()
        if vulkan is None:
            self.skipTest(why_not)
        model = self.model()
        planned = json.loads(self.ran("plan", model, "-c", "256", "--json", "--engine", SERVER, env=vulkan).stdout)
        self.assertTrue(planned["recommended"], planned)
        done = self.ran("profile", model, *FAST, "-p", "0", "--full-depth", "never", "--json", "--layers", "1",
                        "--engine", SERVER, env=vulkan, timeout=300, may_end_with=UNCERTAIN)
        self.assert_measured_on("Vulkan0", json.loads(done.stdout))

    def assert_measured_on(self, device, run):
        self.assertEqual([trial["error"] for trial in run["results"] if trial["error"]], [])
        taken = [memory["model_bytes"] for trial in run["results"] for memory in trial["devices"]
                 if memory["id"] == device and trial["layers"] > 0]
        self.assertTrue(taken)
        self.assertGreater(min(taken), 0)


if __name__ == "__main__":
    main()
