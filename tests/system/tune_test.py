"""`sweetspot tune`, and `profile` without a list, end to end on pretended machines."""

import json
import signal
import subprocess
import sys
import time
import unittest

from harness import BIN, EXIT_INTERRUPTED, EXIT_USAGE, SOURCE, SystemTest

SIMULATED_WORKER = BIN / "simulated_worker"

# Half of the model fits. Little noise: what is compared is the search, not its luck.
TIGHT = {"device": {"memory_total_gb": 6, "driver_share_mb": 0, "pool_kb_per_ubatch_token": 0},
         "disturbance": {"sample": 0.003, "load_offset": 0.002}}
SMALL = ["-p", "64", "-n", "64", "-d", "0"]


class Pretended(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "pretended.gguf"
        self.model.write_bytes(b"GGUF")

    @staticmethod
    def machine(machine):
        return {"SWEETSPOT_WORKER": str(SIMULATED_WORKER), "SWEETSPOT_MACHINE": json.dumps(machine)}

    def command(self, name, machine, *arguments):
        done = self.run_sweetspot(name, self.model, "--json", *arguments, env=self.machine(machine))
        self.assertTrue(done.stdout.strip(), done.stderr)
        return done, json.loads(done.stdout)

    def assert_valid(self, run):
        schema = SOURCE / "docs/formats/run-1.schema.json"
        # The one thing that pretending cannot give: there is no model file.
        self.assertEqual(run["model"]["files"], [])
        run["model"]["files"] = [{"path": "pretended.gguf", "size_bytes": 4, "mtime_ns": 0,
                                  "inode": 1}]
        path = self.folder / "to-validate.json"
        path.write_text(json.dumps(run))
        checked = subprocess.run(
            ["/usr/bin/python3", str(SOURCE / "tests/system/validate_json.py"), str(schema),
             str(path)], capture_output=True, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)


def request_ms(row):
    """What a request takes by what was measured of it."""
    work = row["workload"]
    prompt = row["prompt"]["ms_per_token"] * work["n_prompt"] if row["prompt"] else 0
    return prompt + row["generation"]["ms_per_token"] * work["n_gen"]


class Tune(Pretended):
    def assert_turns_say(self, turns, speed_up):
        ratios = []
        for name in ("generation", "prompt"):
            taken = turns[name]
            self.assertGreaterEqual(len(taken["winner_ms"]), 4, name)
            ratios += [a / b for a, b in zip(taken["baseline_ms"], taken["winner_ms"], strict=True)]
        self.assertGreaterEqual(speed_up, min(ratios))
        self.assertLessEqual(speed_up, max(ratios))

    def truth_ms(self, machine, config, workload):
        """The same config on the same machine without noise, by `profile`."""
        quiet = dict(machine, disturbance={"sample": 1e-4, "load_offset": 0, "ramp": 0})
        arguments = ["--layers", config["n_gpu_layers"], "-c", config["n_ctx"],
                     "-b", config["n_batch"], "-ub", config["n_ubatch"],
                     "-fa", config["flash_attn"], "-t", config["n_threads"],
                     "-tb", config["n_threads_batch"], "-p", workload["n_prompt"],
                     "-n", workload["n_gen"], "-d", workload["n_depth"],
                     "--n-cpu-moe", config["n_cpu_moe"], "--n-cpu-ffn", config["n_cpu_ffn"],
                     "-kvo" if config["kv_offload"] else "-nkvo"]
        _, run = self.command("profile", quiet, *arguments)
        return request_ms(run["results"][0])

    def test_finds_and_proves_something_that_is_not_slower(self):
        done, run = self.command("tune", TIGHT, *SMALL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(run["complete"])
        tune = run["tune"]
        self.assertEqual(tune["workload"], "custom")
        self.assertEqual(tune["objective"], "request")
        self.assertEqual(tune["ended"], "everything is decided")
        self.assertTrue(tune["verdict"])
        rows = run["results"]
        for index in (tune["baseline"], tune["winner"], *(point["result"] for point in tune["front"])):
            self.assertEqual(rows[index]["status"], "measured", rows[index]["error"])
        self.assertLessEqual(rows[tune["winner"]]["vram_percent"] or 0, 85)
        for one in tune["rounds"]:
            if one["turns"]:
                self.assert_turns_say(one["turns"], one["speed_up"])
                continue
            ratio = request_ms(rows[one["baseline"]]) / request_ms(rows[one["winner"]])
            self.assertAlmostEqual(one["speed_up"], ratio, places=3)
        if tune["winner"] != tune["baseline"]:
            self.assertGreater(tune["speed_up"]["low"], 1)
            self.assertEqual(rows[tune["winner"]]["full_depth"]["state"], "verified")
        truth = [self.truth_ms(TIGHT, rows[index]["config"], run["workload"])
                 for index in (tune["winner"], tune["baseline"])]
        self.assertLessEqual(truth[0], 1.01 * truth[1], "by the machine's own truth")

    def test_every_trial_says_what_it_is_and_why(self):
        _, run = self.command("tune", TIGHT, *SMALL)
        for row in run["results"]:
            self.assertTrue(row["title"], row)
            self.assertTrue(row["reason"], row)
            self.assertIn(row["extent"], ("full", "speeds"))
        self.assertIn("defaults", run["results"][0]["title"])

    def test_the_output_for_people_ends_with_a_command(self):
        done = self.run_sweetspot("tune", self.model, *SMALL, env=self.machine(TIGHT))
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("GPU memory", "llama-server", "Start it: sweetspot launch", "Results: "):
            self.assertIn(word, done.stdout)
        self.assertLessEqual(len(done.stdout.splitlines()), 24, done.stdout)
        more = self.run_sweetspot("tune", self.model, *SMALL, "--details", env=self.machine(TIGHT))
        for word in ("Request", "Result", "Ended", "setting"):
            self.assertIn(word, more.stdout)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        command = next(line for line in done.stdout.splitlines()
                       if line.startswith("  llama-server"))
        self.assertIn(str(self.model.name), command)

    def test_its_json_is_valid(self):
        _, run = self.command("tune", TIGHT, *SMALL)
        self.assert_valid(run)

    def test_the_file_holds_what_stdout_says(self):
        _, run = self.command("tune", TIGHT, *SMALL, "-o", "kept.json")
        self.assertEqual(json.loads((self.folder / "kept.json").read_text()), run)

    def test_a_short_time_still_gives_an_answer(self):
        done, run = self.command("tune", TIGHT, *SMALL, "--max-minutes", "0.1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIsNotNone(run["tune"]["winner"])
        self.assertTrue(run["tune"]["ended"])

    def test_knobs_the_user_chose_stay(self):
        _, run = self.command("tune", TIGHT, *SMALL, "-ub", "256", "-t", "3", "-fa", "on",
                              "--vram-percent", "50")
        for row in run["results"]:
            self.assertEqual(row["config"]["n_ubatch"], 256)
            self.assertEqual(row["config"]["n_threads"], 3)
            self.assertEqual(row["config"]["flash_attn"], "on")
        winner = run["results"][run["tune"]["winner"]]
        self.assertLessEqual(winner["vram_percent"] or 0, 50)

    def test_a_machine_that_tells_no_energy_says_so(self):
        done, run = self.command("tune", TIGHT, *SMALL, "--objective", "energy")
        self.assertIsNone(run["tune"]["winner"])
        self.assertTrue(run["tune"]["verdict"])
        self.assertLessEqual(len(run["results"]), 3, "there is nothing to learn from more trials")
        self.assertNotIn("Traceback", done.stderr)

    def test_ctrl_c_keeps_the_best_so_far(self):
        path = self.folder / "tune.json"
        # Real time passes only where samples are sent: a precision nobody reaches takes long.
        running = self.start_sweetspot("tune", self.model, "-o", path, "--precision", "0.0001%",
                                       "--max-seconds", "80000", *SMALL,
                                       env=self.machine({**TIGHT, "device": {
                                           **TIGHT["device"], "bandwidth_gb_s": 4000}}),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and running.poll() is None:
            if path.exists() and json.loads(path.read_text())["results"]:
                break
            time.sleep(0.02)
        asked = time.monotonic()
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=20)
        self.assertEqual(running.returncode, EXIT_INTERRUPTED, stderr)
        self.assertLess(time.monotonic() - asked, 3)
        run = json.loads(path.read_text())
        self.assertFalse(run["complete"])
        self.assertEqual(run["tune"]["ended"], "interrupted")
        self.assertIsNotNone(run["tune"]["winner"])
        self.assertIn("kept in", stderr)
        self.assertIn("llama-server", stdout, "the best so far can be started")


class Flags(Pretended):
    def test_what_is_wrong_is_one_sentence_that_names_it(self):
        for arguments, word in ((("--workload", "poetry"), "--workload"),
                                (("--objective", "beauty"), "--objective"),
                                (("--max-minutes", "0"), "--max-minutes"),
                                (("--max-minutes", "soon"), "--max-minutes"),
                                (("--vram-percent", "0"), "--vram-percent"),
                                (("--vram-percent", "101"), "--vram-percent"),
                                (("--min-generation-speed", "-1"), "--min-generation-speed"),
                                (("--min-prompt-speed", "fast"), "--min-prompt-speed"),
                                (("--max-divergence", "-1"), "--max-divergence"),
                                (("-n", "many"), "--n-gen"),
                                (("--no-such-flag",), "--no-such-flag"),
                                (("-p", "0", "--objective", "prompt"), "--objective"),
                                (("-c", "512", "--workload", "rag"), "--ctx-size")):
            with self.subTest(arguments=arguments):
                done = self.run_sweetspot("tune", self.model, *arguments,
                                          env=self.machine(TIGHT))
                self.assert_clear_sentence(done, EXIT_USAGE, word)
        self.assertEqual(list(self.folder.glob("*.json")), [], "nothing was measured")

    def test_a_model_is_required(self):
        self.assert_clear_sentence(self.run_sweetspot("tune"), EXIT_USAGE)


class AdaptiveProfile(Pretended):
    LINE = {"device": {"memory_total_gb": 7},  # all of the model is 76 %: every band has layers
            "disturbance": {"sample": 0.003, "load_offset": 0.002}}

    def quirky(self, quirk, size, at):
        device = {**self.LINE["device"], "quirk": quirk, "quirk_size": size, "quirk_at": at}
        return {**self.LINE, "device": device}

    def best_ms(self, machine):
        quiet = dict(machine, disturbance={"sample": 1e-4, "load_offset": 0, "ramp": 0})
        _, run = self.command("profile", quiet, "--layers", "0-33+1")
        return {row["layers"]: row["generation"]["ms_per_token"]
                for row in run["results"] if row["status"] == "measured"}

    def test_a_line_takes_a_handful_of_trials_and_the_rest_is_predicted(self):
        done, run = self.command("profile", self.LINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual(len(run["results"]), 8)
        sweep = run["sweep"]
        self.assertTrue(sweep["time_model"]["linear"])
        self.assertEqual([point["layers"] for point in sweep["curve"]], list(range(34)))
        truth = self.best_ms(self.LINE)
        predicted = [point for point in sweep["curve"] if point["standing"] == "predicted"]
        self.assertGreater(len(predicted), 20)
        inside = sum(point["generation_ms_per_token"]["low"] <= truth[point["layers"]]
                     <= point["generation_ms_per_token"]["high"] for point in predicted)
        self.assertGreaterEqual(inside, 0.9 * len(predicted))

    def test_where_time_is_no_line_it_measures_more_and_says_so(self):
        _, line = self.command("profile", self.LINE)
        for quirk, size, at in (("hump", 4, 0.8), ("kink", 4, 0.6), ("step", 3, 0.8)):
            with self.subTest(quirk=quirk):
                machine = self.quirky(quirk, size, at)
                done, run = self.command("profile", machine)
                self.assertEqual(done.returncode, 0, done.stderr)
                if quirk == "step":  # a cliff: what lies beyond it says nothing of what lies before
                    beyond = [row["config"]["n_gpu_layers"] for row in run["results"]
                              if "spilled" in row["disturbances"]]
                    self.assertGreater(min(beyond), 0.8 * 33)
                else:
                    self.assertFalse(run["sweep"]["time_model"]["linear"])
                self.assertGreater(len(run["results"]), len(line["results"]))
                truth = self.best_ms(machine)
                optimum = next(one for one in run["sweep"]["decisions"]
                               if one["name"] == "optimum")
                safe = {point["layers"] for point in run["sweep"]["curve"]
                        if point["layers"] == 0 or (point["vram_percent"] or 100) <= 85}
                best = min(ms for layers, ms in truth.items() if layers in safe)
                self.assertLessEqual(truth[optimum["layers"]], 1.02 * best)

    def test_the_output_for_people_says_what_was_not_measured(self):
        done = self.run_sweetspot("profile", self.model, "--details", env=self.machine(self.LINE))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Not measured, predicted with 95 % intervals", done.stdout)
        self.assertIn("Decided", done.stdout)

    def test_its_json_is_valid(self):
        _, run = self.command("profile", self.LINE)
        self.assert_valid(run)


if __name__ == "__main__":
    sys.exit(unittest.main())
