"""`sweetspot profile` end to end on pretended machines: the simulated worker speaks for them."""

import json
import sys
import unittest

from harness import BIN, SystemTest

SIMULATED_WORKER = BIN / "simulated_worker"


class Simulation(SystemTest):
    def profile_machine(self, machine, *arguments):
        model = self.folder / "pretended.gguf"
        model.write_bytes(b"GGUF")
        env = {"SWEETSPOT_WORKER": str(SIMULATED_WORKER), "SWEETSPOT_MACHINE": json.dumps(machine)}
        done = self.run_sweetspot("profile", model, "--json", *arguments, env=env)
        self.assertTrue(done.stdout.strip(), done.stderr)
        return done, json.loads(done.stdout)

    def test_the_recorded_curve_comes_back_out(self):
        done, run = self.profile_machine({"recorded": "rtx4050"}, "--layers", "0,10,20,30,35,40,-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        noted = {0: 12.5, 10: 18.2, 20: 23.4, 30: 29.1, 35: 32.5, 40: 34.8, 43: 35.2}
        vram = {0: 0.52, 10: 1.72, 20: 2.85, 30: 3.98, 35: 4.58, 40: 5.15, 43: 5.42}
        alone, *rows = run["results"]
        self.assertEqual((alone["layers"], alone["config"]["devices"], alone["vram_percent"]), (0, ["none"], 0))
        self.assertLess(abs(alone["generation"]["tokens_per_second"] / noted[0] - 1), 0.05)
        self.assertEqual([row["layers"] for row in rows], list(noted))
        for row in rows:
            self.assertEqual(row["status"], "measured", row["error"])
            speed = row["generation"]["tokens_per_second"]
            self.assertLess(abs(speed / noted[row["layers"]] - 1), 0.05, row["layers"])
            self.assertAlmostEqual(row["vram_percent"], 100 * vram[row["layers"]] / 6, 0)
            if row["layers"] >= 20:  # with fewer it would take longer than is spent on it
                self.assertEqual(row["full_depth"]["state"], "verified")
        chosen = {profile["name"]: profile["n_gpu_layers"] for profile in run["profiles"]}
        self.assertEqual(chosen, {"fast": 20, "balanced": 30, "performance": 35, "cpu_fallback": 0})

    def test_a_few_trials_find_the_best_of_each_band_on_the_recorded_curve(self):
        done, run = self.profile_machine({"recorded": "rtx4050"})
        self.assertEqual(done.returncode, 0, done.stderr)
        # What all 44 layer counts measured would give: 49.3, 68.2 and 83.9 % of the memory.
        chosen = {profile["name"]: profile["n_gpu_layers"] for profile in run["profiles"]}
        self.assertEqual(chosen, {"fast": 21, "balanced": 31, "performance": 39, "cpu_fallback": 0})
        self.assertLessEqual(len(run["results"]), 8)

    def test_memory_runs_out_and_the_rows_below_stay(self):
        machine = {"device": {"memory_total_gb": 3, "driver_share_mb": 500},
                   "disturbance": {"sample": 0.003}}
        # What llama.cpp's figures already exceed is not loaded; the driver's share only shows when
        # it is tried.
        _, run = self.profile_machine(machine, "--layers", "0-33+1")
        rows = {row["layers"]: row for row in run["results"]}
        classes = {layers: row["error"]["class"] if row["error"] else None
                   for layers, row in rows.items()}
        self.assertIsNone(classes[0])
        self.assertIn("out-of-device-memory", classes.values())
        self.assertEqual(classes[33], "does-not-fit")
        order = [None, "out-of-device-memory", "does-not-fit"]
        found = [order.index(classes[layers]) for layers in sorted(classes)]
        self.assertEqual(found, sorted(found), "each kind begins where the one before ends")
        measured = [row["generation"]["tokens_per_second"] for row in run["results"]
                    if row["status"] == "measured"]
        self.assertGreater(measured[-1], 1.2 * measured[0])

    def test_a_device_that_dies_at_the_first_decode_is_a_row(self):
        machine = {"device": {"memory_total_gb": 6.5, "pool_kb_per_ubatch_token": 3000}}
        _, run = self.profile_machine(machine, "--layers", "0,-1")
        self.assertEqual(run["results"][0]["status"], "measured")
        self.assertEqual(run["results"][-1]["error"]["class"], "out-of-device-memory")

    def test_any_seed_gives_sensible_rows(self):
        for seed in (1, 2, 3):
            with self.subTest(seed=seed):
                _, run = self.profile_machine({"seed": seed}, "--layers", "0,4,8,-1")
                for row in run["results"]:
                    if row["status"] == "failed":
                        self.assertIn("memory" if "memory" in row["error"]["class"] else "fit",
                                      row["error"]["class"])
                        continue
                    self.assertGreater(row["generation"]["tokens_per_second"], 0)
                    self.assertGreater(row["prompt"]["tokens_per_second"], 0)
                    self.assertEqual(row["predicted"], row["devices"])

    def test_the_virtual_clock_goes_on_from_worker_to_worker(self):
        clock = self.folder / "clock.json"
        machine = {"recorded": "rtx4050", "clock_file": str(clock),
                   "disturbance": {"throttle_after_seconds": 30, "throttle_slowdown": 1.3,
                                   "sample": 0.003, "load_offset": 0, "ramp": 0}}
        _, first = self.profile_machine(machine, "--layers", "43")
        self.assertGreater(json.loads(clock.read_text())["seconds"], 1)
        self.assertEqual(json.loads(clock.read_text())["loads"], 1)
        for _ in range(40):  # far more than 30 s of work
            if json.loads(clock.read_text())["heat_seconds"] > 30:
                break
            self.profile_machine(machine, "--layers", "43", "--precision", "0.1")
        _, last = self.profile_machine(machine, "--layers", "43")
        speed = [run["results"][0]["generation"]["tokens_per_second"] for run in (first, last)]
        self.assertLess(speed[1], 0.9 * speed[0], "it is hot by now")

    def test_a_parameter_that_does_not_exist_stops_the_worker(self):
        model = self.folder / "pretended.gguf"
        model.write_bytes(b"GGUF")
        done = self.run_sweetspot("profile", model, "--layers", "0",
                                  env={"SWEETSPOT_WORKER": str(SIMULATED_WORKER),
                                       "SWEETSPOT_MACHINE": '{"device": {"speed": 1}}'})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("device.speed", done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
