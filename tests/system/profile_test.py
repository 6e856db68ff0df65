"""`sweetspot profile` on real models, a real llama.cpp and a real second device (ggml's RPC)."""

import json
import subprocess

from harness import FAST, SOURCE, SystemTest, TINY, main

SCHEMAS = SOURCE / "docs/formats"

ARCHITECTURES = {
    "llama": TINY,
    "qwen2 with biases and tied output": [*TINY, "--arch", "qwen2", "--attention-bias",
                                          "--tied-output", "--type", "q8_0"],
    "mixture of experts": [*TINY, "--experts", "4", "--experts-used", "2", "--type", "q4_0"],
    "qwen3moe": [*TINY, "--arch", "qwen3moe", "--experts", "4", "--experts-used", "2",
                 "--expert-ff", "256"],
}


def validate(schema, path):
    done = subprocess.run(["/usr/bin/python3", SOURCE / "tests/system/validate_json.py",
                           SCHEMAS / schema, path], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Profile(SystemTest):
    def test_every_architecture_end_to_end_on_an_rpc_device(self):
        with self.rpc_server() as address:
            for name, geometry in ARCHITECTURES.items():
                with self.subTest(architecture=name):
                    model = self.synth("model.gguf", *geometry)
                    self.needs_llama_cpp(model)
                    done, run = self.profile(model, "--rpc", address, "--layers", "0,2,-1,4,99",
                                             "-o", "run.json")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.check_rows(run)
                    self.check_file(run)

    def check_rows(self, run):
        self.assertEqual([row["config"]["devices"] for row in run["results"][:4]], [["none"], [], [], []],
                         "the CPU alone, then 0 layers beside the device")
        self.assertEqual(run["results"][0]["vram_used_bytes"], 0)
        rows = {row["layers"]: row for row in run["results"]}
        self.assertEqual(sorted(rows), [0, 2, 4], "3 blocks and the output: 4 and above are all")
        self.assertEqual(rows[4]["requested_layers"], [-1, 4, 99])
        for layers, row in rows.items():
            self.assertEqual(row["status"], "measured", row["error"])
            self.assertEqual(row["effective"]["n_gpu_layers"], layers, "read back, not echoed")
            speed = row["generation"]
            self.assertLessEqual(speed["ci95_low"], speed["tokens_per_second"])
            self.assertLessEqual(speed["tokens_per_second"], speed["ci95_high"])
            self.assertAlmostEqual(1000 / speed["ms_per_token"], speed["tokens_per_second"], 6)
            self.assertIn(speed["stop_reason"], ("precision", "time-cap", "sample-cap"))
            self.assertEqual(len(speed["raw"]["duration_ms"]),
                             speed["samples"] + speed["warm_up_cut"])
            self.assertEqual(row["full_depth"]["state"], "verified", row["full_depth"]["note"])
        device_bytes = [sum(sum(d[kind] for kind in ("model_bytes", "context_bytes",
                                                     "compute_bytes"))
                            for d in rows[layers]["devices"] if d["id"] != "CPU")
                        for layers in (0, 2, 4)]
        self.assertLess(device_bytes[0], device_bytes[1])
        self.assertLess(device_bytes[1], device_bytes[2])
        self.assertEqual(rows[4]["vram_used_bytes"], device_bytes[2])

    def check_file(self, run):
        path = self.folder / "run.json"
        self.assertEqual(json.loads(path.read_text()), run, "stdout and file are the same run")
        code, output = validate("run-1.schema.json", path)
        self.assertEqual(code, 0, output)
        self.assertTrue(run["complete"])
        profiles = {profile["name"]: profile for profile in run["profiles"]}
        self.assertEqual(list(profiles), ["fast", "balanced", "performance", "cpu_fallback"])
        self.assertEqual(run["results"][profiles["cpu_fallback"]["result"]]["config"]["devices"], ["none"])
        for profile in profiles.values():
            if profile["result"] is None:
                self.assertTrue(profile["reason"])
                self.assertIsNone(profile["n_gpu_layers"])

    def test_by_default_it_chooses_layer_counts_and_predicts_the_rest(self):
        with self.rpc_server() as address:
            model = self.synth("model.gguf", *TINY, "--blocks", "8")
            done, run = self.profile(model, "--rpc", address, "-o", "run.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_file(run)
        self.assertEqual(run["settings"]["mode"], "adaptive")
        sweep = run["sweep"]
        self.assertEqual([point["layers"] for point in sweep["curve"]], list(range(10)))
        self.assertTrue(sweep["ended"])
        measured = {row["layers"] for row in run["results"]}
        self.assertEqual(run["results"][0]["layers"], 0, "the CPU alone comes first")
        self.assertEqual({point["layers"] for point in sweep["curve"]
                          if point["standing"] == "measured"}, measured)
        for profile in run["profiles"]:
            if profile["result"] is not None:
                row = run["results"][profile["result"]]
                self.assertEqual(row["extent"], "full", "only what was measured in full is proof")
        self.assertEqual({one["name"] for one in sweep["decisions"]},
                         {"fast", "balanced", "performance", "optimum", "diminishing"})

    def test_bands_are_strict_and_follow_the_limit(self):
        with self.rpc_server() as address:
            model = self.synth()
            _, run = self.profile(model, "--rpc", address, "--layers", "0,1,2,3,4")
            need = max(row["vram_used_bytes"] for row in run["results"])
            _, run = self.profile(model, "--rpc", address, "--layers", "0,1,2,3,4",
                                  "--vram-limit", f"{need}B")
        for profile, (low, high) in zip(run["profiles"], ((0, 50), (50, 70), (70, 85))):
            if profile["result"] is not None:
                self.assertGreaterEqual(profile["vram_percent"], low)
                self.assertLessEqual(profile["vram_percent"], high)
        self.assertEqual(max(row["vram_percent"] for row in run["results"]), 100)
        self.assertNotEqual(run["results"][run["analysis"]["optimum"]]["vram_percent"], 100)

    def test_what_cannot_fit_is_not_loaded_and_the_rest_takes_what_was_predicted(self):
        with self.rpc_server() as address:
            model = self.synth()
            _, run = self.profile(model, "--rpc", address, "--layers", "0,2,4")
            for row in run["results"]:
                self.assertEqual(row["predicted"], row["devices"], "to the byte")
                self.assertEqual(row["missing_bytes"], 0)
            need = [row["vram_used_bytes"] for row in run["results"]]
            done, run = self.profile(model, "--rpc", address, "--layers", "0,2,4",
                                     "--vram-limit", f"{need[3] - 1}B")
            last = run["results"][3]
            self.assertEqual(last["error"]["class"], "does-not-fit")
            self.assertEqual(last["missing_bytes"], 1)
            self.assertEqual(last["devices"], [], "nothing was loaded")
            _, run = self.profile(model, "--rpc", address, "--layers", "4", "--try-anyway",
                                  "--vram-limit", f"{need[3] - 1}B")
            self.assertEqual(run["results"][0]["status"], "measured")
            shown = self.run_sweetspot("profile", model, *FAST, "--layers", "0,4", "--rpc", address,
                                       "--details", "--vram-limit", f"{need[3] - 1}B")
            self.assertIn("does not fit: 1 B missing", shown.stdout)
            self.assertRegex(shown.stdout, r"predicted +allocated")

    def test_without_any_device_the_cpu_is_measured_once(self):
        model = self.synth()
        done, run = self.profile(model, "--quick", env={"CUDA_VISIBLE_DEVICES": ""})
        self.assertEqual(done.returncode, 0, done.stderr)
        if any(device["type"] in ("gpu", "igpu") for device in run["devices"]):
            self.skipTest("this machine has a GPU")
        self.assertEqual({row["layers"] for row in run["results"]}, {0})
        for more in run["results"][1:]:  # beside other work on this machine
            self.assertIn("anew", more["reason"])
        self.assertTrue(any("CPU" in notice for notice in run["notices"]))
        self.assertIsNone(run["results"][0]["vram_percent"])
        self.assertTrue(run["results"][0]["absent"]["vram_percent"])

    def test_the_table_for_people(self):
        model = self.synth()
        with self.rpc_server() as address:
            done = self.run_sweetspot("profile", model, *FAST, "--layers", "0,-1,4", "--rpc",
                                      address)
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("tokens/s", "GPU memory", "cpu_fallback", "llama-server -m", "Start it: sweetspot launch"):
            self.assertIn(word, done.stdout)
        self.assertLessEqual(len(done.stdout.splitlines()), 24, done.stdout)
        (run,) = self.runs()
        self.assertEqual(done.stdout.splitlines()[-1], f"Results: {run}")
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["data", model.name],
                         "nothing is left in the working folder")
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertTrue(all(len(line) <= 100 for line in done.stdout.splitlines()
                            if not line.startswith("Results:")), done.stdout)

    def test_json_has_stdout_for_itself(self):
        model = self.synth()
        done = self.run_sweetspot("profile", model, *FAST, "--layers", "0", "--json")
        self.assertEqual(json.loads(done.stdout)["schema"], "sweetspot.run/1")
        self.assertIn("Results:", done.stderr)

    def test_context_settings_are_read_back(self):
        model = self.synth()
        _, run = self.profile(model, "--layers", "0", "-fa", "on", "-ctk", "q8_0", "-ctv", "q8_0")
        effective = run["results"][0]["effective"]
        self.assertEqual((effective["n_ctx"], effective["n_batch"], effective["n_ubatch"]),
                         (256, 64, 64))
        self.assertEqual(effective["n_threads"], 1)

    def test_a_quantized_v_cache_without_flash_attention_is_rejected_as_a_row(self):
        model = self.synth()
        done, run = self.profile(model, "--layers", "0", "-fa", "off", "-ctv", "q8_0")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(run["results"][0]["error"]["class"], "config-rejected")


class Inspect(SystemTest):
    def test_says_what_synth_wrote(self):
        model = self.synth("moe.gguf", *TINY, "--experts", "4", "--experts-used", "2", "--name",
                           "My Model")
        done = self.run_sweetspot("inspect", model, "--json")
        info = json.loads(done.stdout)
        self.assertEqual(info["architecture"], "llama")
        self.assertEqual(info["name"], "My Model")
        self.assertEqual((info["n_layer"], info["offloadable_layers"]), (3, 4))
        self.assertEqual((info["n_expert"], info["n_expert_used"]), (4, 2))
        self.assertEqual(len(info["layers"]), 3)
        self.assertGreater(info["layers"][0]["expert_bytes"], 0)
        self.assertEqual(sum(layer["bytes"] for layer in info["layers"]) + info["non_layer_bytes"],
                         info["size_bytes"])

    def test_like_copies_a_geometry(self):
        model = self.synth("a.gguf", *TINY, "--arch", "qwen3moe", "--experts", "4",
                           "--experts-used", "2", "--expert-ff", "256")
        header = self.folder / "header.gguf"
        header.write_bytes(model.read_bytes()[:60000])  # a partial download
        copy = self.synth("b.gguf", "--like", header)
        infos = [json.loads(self.run_sweetspot("inspect", path, "--json").stdout)
                 for path in (model, copy)]
        for field in ("architecture", "n_params", "size_bytes", "layers", "n_vocab"):
            self.assertEqual(infos[0][field], infos[1][field])


class Devices(SystemTest):
    def test_lists_the_rpc_device_and_validates(self):
        with self.rpc_server() as address:
            done = self.run_sweetspot("devices", "--json", "--rpc", address)
            self.assertEqual(done.returncode, 0, done.stderr)
            (self.folder / "devices.json").write_text(done.stdout)
            code, output = validate("devices-1.schema.json", self.folder / "devices.json")
            self.assertEqual(code, 0, output)
            listed = {device["id"]: device for device in json.loads(done.stdout)["devices"]}
            self.assertIn("CPU", listed)
            rpc = [device for device in listed.values() if device["backend"] == "RPC"]
            self.assertEqual(len(rpc), 1)
            self.assertIsNone(rpc[0]["status"])
            self.assertTrue(rpc[0]["absent"]["status"])
            table = self.run_sweetspot("devices", "--rpc", address)
            self.assertIn(rpc[0]["id"], table.stdout)


if __name__ == "__main__":
    main()
