"""A worker that fails in every way at every place of a sweep: always a row, never the end.

The worker is the scripted one (tests/fakes/scripted_worker.cpp), because a real GPU cannot be made to run
out of memory at will; everything else is the real program.
"""

import json
import time
import unittest

from harness import (EXIT_DEVICE, EXIT_MODEL, EXIT_NOTHING, SCRIPTED_WORKER, SystemTest)

GPU = {"id": "GPU0", "type": "gpu", "total_bytes": 8 << 30, "free_bytes": 8 << 30,
       "pci_bus_id": "0000:01:00.0"}
LAYERS = [0, 5, 10, 15, 23]


class Failures(SystemTest):
    def profile_scripted(self, rules=(), layers=LAYERS, arguments=(), timeout=60, **script):
        script = {"devices": [GPU], "model": {"layers": 22}, "rules": list(rules), **script}
        (self.folder / "script.json").write_text(json.dumps(script))
        begin = time.monotonic()
        done = self.run_sweetspot(
            "profile", "m.gguf", "--json", "-o", "run.json", "--layers",
            ",".join(map(str, layers)), "--max-seconds", "1", *arguments, timeout=timeout,
            env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER),
                 "SWEETSPOT_SCRIPT": f"@{self.folder}/script.json"})
        self.took = time.monotonic() - begin
        return done, json.loads(done.stdout) if done.stdout else None

    def test_healthy(self):
        done, run = self.profile_scripted()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([row["status"] for row in run["results"]], ["measured"] * 6)
        self.assertEqual([row["layers"] for row in run["results"]], [0, *LAYERS],
                         "the CPU alone, and each count beside the device")
        speeds = [row["generation"]["tokens_per_second"] for row in run["results"][1:]]
        self.assertEqual(speeds, sorted(speeds))
        self.assertGreater(run["analysis"]["speed_up_over_cpu"], 1)

    def test_each_way_to_fail_at_each_position(self):
        ways = {
            "crashed": {"at": "load", "do": "abort",
                        "stderr": ["GGML_ASSERT(n > 0) failed"]},
            "out-of-device-memory": {
                "at": "load", "do": "fault", "code": "model-null",
                "message": "llama.cpp returned no model",
                "log": ["ggml_backend_cuda_buffer_type_alloc_buffer: allocating 5000.00 MiB on "
                        "device 0: cudaMalloc failed: out of memory",
                        "llama_model_load: error loading model: unable to allocate CUDA0 buffer"]},
            "non-finite-output": {"at": "measure", "do": "non-finite", "after_samples": 3},
            "wrong-output": {"at": "check", "do": "shuffled"},
            "protocol-error": {"at": "context", "do": "junk", "text": "}{ not json"},
        }
        for expected, rule in ways.items():
            for position, layers in enumerate(LAYERS):
                if expected == "wrong-output" and position == 0:
                    continue  # the first one is the reference
                with self.subTest(failure=expected, position=position):
                    done, run = self.profile_scripted([{**rule, "if": {"layers": [layers]}}])
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(len(run["results"]), 6)
                    for row in run["results"]:
                        if row["layers"] == layers:
                            self.assertEqual(row["status"], "failed")
                            self.assertEqual(row["error"]["class"], expected, row["error"])
                            self.assertTrue(row["error"]["message"])
                        else:
                            self.assertEqual(row["status"], "measured", row["error"])

    def test_a_hang_in_each_phase_ends_at_its_deadline(self):
        for phase in ("load", "measure"):
            with self.subTest(phase=phase):
                done, run = self.profile_scripted(
                    [{"at": phase, "do": "hang", "if": {"layers": [10]}}],
                    arguments=["--load-timeout", "1", "--step-timeout", "1"])
                self.assertEqual(done.returncode, 0, done.stderr)
                row = run["results"][3]
                self.assertEqual(row["error"]["class"], "timed-out")
                self.assertLess(self.took, 20)

    def test_a_worker_whose_clock_stands_still_meets_ours(self):
        """Samples of no time at all would otherwise come until 4,096 of them took minutes."""
        speed = {"cpu_ms": 0.0001, "gpu_ms": 0.0001, "noise": 0.5, "real_ms": 50}
        done, run = self.profile_scripted(speed=speed, layers=[10], timeout=200)
        self.assertIsNotNone(run, done.stderr)
        self.assertLess(self.took, 100)

    def test_two_hangs_end_the_direction(self):
        done, run = self.profile_scripted(
            [{"at": "load", "do": "hang", "if": {"layers_from": 5}}],
            arguments=["--load-timeout", "1"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run["results"][0]["status"], "measured")
        self.assertTrue(all("not tried" in row["error"]["message"] for row in run["results"][4:]),
                        [row["error"] for row in run["results"]])
        self.assertLess(self.took, 20)

    def test_memory_that_only_ends_at_full_depth_is_never_recommended(self):
        done, run = self.profile_scripted(
            [{"at": "full-depth", "do": "abort", "if": {"layers_from": 15},
              "stderr": ["CUDA error: out of memory"]}], arguments=["--full-depth", "always"])
        self.assertEqual(done.returncode, 0, done.stderr)
        states = [row["full_depth"]["state"] for row in run["results"]]
        self.assertEqual(states, ["verified"] * 4 + ["failed"] * 2)
        recommended = {profile["result"] for profile in run["profiles"]}
        self.assertFalse(recommended & {4, 5})
        self.assertEqual(run["analysis"]["optimum"], 3)

    def test_everything_failing_is_nothing_measurable(self):
        done, run = self.profile_scripted([{"at": "load", "do": "segv"}])
        self.assert_clear_sentence(done, EXIT_NOTHING)
        self.assertEqual(len(run["results"]), 6)

    def test_a_model_that_llama_cpp_does_not_know(self):
        done, _ = self.profile_scripted(
            [{"at": "load", "do": "fault", "code": "unsupported",
              "message": "unknown model architecture: 'future'"}])
        self.assert_clear_sentence(done, EXIT_MODEL, "future")

    def test_a_worker_of_another_version_is_refused(self):
        done, _ = self.profile_scripted([{"at": "hello", "do": "wrong-version"}])
        self.assert_clear_sentence(done, 70)

    def test_orphans_of_a_crashed_worker_are_found(self):
        done, _ = self.profile_scripted(
            [{"at": "load", "do": "abort", "orphan": True, "if": {"layers": [5]}}])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_nothing_is_left(within_seconds=2)

    def test_a_lost_device_is_named(self):
        done, run = self.profile_scripted(
            [{"at": "measure", "do": "abort", "if": {"layers_from": 5},
              "stderr": ["CUDA error: the launch timed out and was terminated",
                         "ggml_vulkan: vk::DeviceLostError"]}])
        self.assertEqual(run["results"][2]["error"]["class"], "device-lost", done.stderr)

    def test_a_cliff_is_not_recommended(self):
        # Only a device that is nearly full can have moved something to system memory.
        card = {"id": "GPU0", "type": "gpu", "total_bytes": 1000000000, "free_bytes": 999000000}
        done, run = self.profile_scripted(speed={"cpu_ms": 40, "gpu_ms": 5,
                                                 "by_layers": {"23": 60}}, devices=[card])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(any("spilled" in note for note in run["results"][5]["notes"]))
        self.assertNotIn(5, [profile["result"] for profile in run["profiles"]])

    def test_worker_that_cannot_start(self):
        (self.folder / "worker").write_text("#!/bin/sh\nexit 3\n")
        (self.folder / "worker").chmod(0o755)
        done = self.run_sweetspot("--worker", self.folder / "worker", "inspect", "m.gguf")
        self.assert_clear_sentence(done, 70)
        self.assertNotEqual(done.returncode, EXIT_DEVICE)


if __name__ == "__main__":
    unittest.main()
