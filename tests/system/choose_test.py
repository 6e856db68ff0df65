"""`sweetspot choose`: what to load now, from measured profiles or from a plan."""

import json
import subprocess
import unittest

from harness import (EXIT_DEVICE, EXIT_MODEL, EXIT_NOTHING, EXIT_USAGE, SOURCE, TINY, SystemTest, free_port)

FORMATS = ["llama-server", "env", "llama-server-ini", "llama-swap", "ollama", "lmstudio", "koboldcpp",
           "text-generation-webui", "llama-cpp-python", "json"]


class Choose(SystemTest):
    def choose(self, model, address, *arguments, **options):
        rpc = ["--rpc", address] if address else []
        return self.run_sweetspot("choose", model, *rpc, *arguments, **options)

    def valid(self, text, schema):
        path = self.folder / "to-validate.json"
        path.write_text(text)
        checked = subprocess.run(
            ["/usr/bin/python3", SOURCE / "tests/system/validate_json.py",
             SOURCE / "docs/formats" / schema, path], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        return json.loads(text)

    def choice(self, model, address, *arguments, code=0):
        done = self.choose(model, address, "--json", *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return self.valid(done.stdout, "choice-1.schema.json")

    def stored(self):
        return sorted((self.folder / "data/sweetspot/profiles").glob("*.json"))

    def change_set(self, change):
        (path,) = self.stored()
        kept = json.loads(path.read_text())
        change(kept)
        path.write_text(json.dumps(kept))
        return path

    # ---- nothing measured

    def test_without_measurements_a_set_is_planned_marked_and_kept(self):
        model = self.synth()
        with self.rpc_server() as address:
            done = self.choose(model, address)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("speed not measured yet", done.stdout)
            self.assertTrue(done.stdout.startswith("Load "), done.stdout)
            self.assertLessEqual(len(done.stdout.splitlines()), 24, done.stdout)
            self.assertIn("load this", self.choose(model, address, "--details").stdout)
            (path,) = self.stored()
            kept = json.loads(path.read_text())
            self.assertEqual(kept["origin"], "planned")
            first, last = kept["profiles"][0], kept["profiles"][-1]
            self.assertEqual(first["config"]["n_gpu_layers"], 4, "three blocks and the output")
            self.assertEqual(last["name"], "cpu_fallback")
            self.assertEqual(last["needs"], [])
            self.assertTrue(all(p["tokens_per_second"] is None for p in kept["profiles"]))
            # The same question again is answered from the file.
            before = path.read_bytes()
            choice = self.choice(model, address)
            self.assertEqual(choice["profile"], first["name"])
            self.assertEqual([rung["profile"] for rung in choice["below"]], ["cpu_fallback"])
            self.assertEqual(path.read_bytes(), before)
            self.check_need_is_the_map_and_the_share(model, address, first)

    def check_need_is_the_map_and_the_share(self, model, address, profile):
        planned = self.run_sweetspot("plan", model, "--rpc", address, "--json")
        plan = json.loads(planned.stdout)
        (device,) = [d for d in plan["wanted"]["devices"] if d["id"] == "RPC0"]
        buffers = sum(device[kind] for kind in ("model_bytes", "context_bytes", "compute_bytes"))
        share = plan["budgets"]["devices"][0]["driver_share"]["high_bytes"]
        (need,) = profile["needs"]
        self.assertEqual(need, {"device": "RPC0", "bytes": buffers + share})

    def test_no_store_keeps_nothing(self):
        model = self.synth()
        with self.rpc_server() as address:
            self.assertEqual(self.choose(model, address, "--no-store").returncode, 0)
        self.assertEqual(self.stored(), [])

    def test_without_a_device_only_the_cpu_is_planned(self):
        choice = self.choice(self.synth(), None)
        self.assertEqual(choice["profile"], "cpu_fallback")
        self.assertEqual([p["name"] for p in choice["set"]["profiles"]], ["cpu_fallback"])

    def test_a_longer_context_is_planned_for_and_an_impossible_one_is_refused(self):
        model = self.synth()
        with self.rpc_server() as address:
            done = self.choose(model, address, "--min-ctx", "100000")
            self.assert_clear_sentence(done, EXIT_USAGE, "--min-ctx 100000")

    # ---- what is free decides

    def test_a_share_of_nothing_leaves_the_cpu_and_says_what_is_missing(self):
        model = self.synth()
        with self.rpc_server() as address:
            choice = self.choice(model, address, "--vram-percent", "1")
            self.assertEqual(choice["profile"], "cpu_fallback")
            (passed,) = choice["passed"]
            self.assertFalse(passed["fits"])
            self.assertIn("RPC0", passed["why_not"])
            text = self.choose(model, address, "--vram-percent", "1").stdout
            self.assertIn("does not fit now", text)
            self.assertIn(passed["why_not"].split()[0], text)
            self.assertIn("All profiles: --details", text)

    def test_a_reserve_is_left_free(self):
        model = self.synth()
        with self.rpc_server() as address:
            choice = self.choice(model, address, "--reserve", "4TiB")
            self.assertEqual(choice["profile"], "cpu_fallback")
            (passed,) = choice["passed"]
            self.assertRegex(passed["why_not"], r"needs 4\d{3}\.\d\d GiB of RPC0, which has")

    # ---- measured

    def test_a_measured_set_is_used_and_a_stale_one_named(self):
        model = self.synth()
        with self.rpc_server() as address:
            done, _ = self.profile(model, "--rpc", address, "--layers", "0,2,-1")
            self.assertEqual(done.returncode, 0, done.stderr)
            choice = self.choice(model, address)
            self.assertEqual(choice["set"]["origin"], "measured")
            self.assertEqual((choice["stale"], choice["notes"]), ([], []))
            chosen = [p for p in choice["set"]["profiles"] if p["name"] == choice["profile"]]
            self.assertGreater(chosen[0]["tokens_per_second"]["value"], 0)
            self.assertNotIn("planned", self.choose(model, address).stdout)
            self.check_nothing_fits(model, address)
            self.check_names(model, address, choice)
            self.check_stale(model, address)

    def check_nothing_fits(self, model, address):
        choice = self.choice(model, address, "--min-ctx", "2048", code=EXIT_NOTHING)
        self.assertIsNone(choice["profile"])
        for form in ("llama-server", "ollama"):
            done = self.choose(model, address, "--min-ctx", "2048", "--format", form)
            self.assertEqual((done.returncode, done.stdout), (EXIT_NOTHING, ""))
            self.assertIn("no profile has 2048 tokens of context (largest: 256)", done.stderr)
            self.assertIn("sweetspot profile MODEL -c 2048", done.stderr)

    def check_names(self, model, address, choice):
        named = self.choice(model, address, "--profile", "cpu_fallback")
        self.assertEqual(named["profile"], "cpu_fallback")
        done = self.choose(model, address, "--profile", "fastest")
        self.assert_clear_sentence(done, EXIT_USAGE, "--profile", "fastest", "cpu_fallback")

    def check_stale(self, model, address):
        def other_llama_cpp(kept):
            kept["fingerprint"]["llama_cpp"] = "another build"
        self.change_set(other_llama_cpp)
        choice = self.choice(model, address)
        self.assertEqual(choice["set"]["origin"], "measured")
        self.assertTrue(any("another build" in change for change in choice["stale"]))
        self.assertIn("Changed since: ", self.choose(model, address).stdout)

        def other_card(kept):
            kept["devices"][0]["memory_total_bytes"] //= 2
        path = self.change_set(other_card)
        before = path.read_bytes()
        choice = self.choice(model, address)
        self.assertEqual(choice["set"]["origin"], "planned")
        self.assertTrue(any("not used any more" in note for note in choice["notes"]))
        self.assertEqual(path.read_bytes(), before, "what was measured is never replaced by a plan")

    def test_a_damaged_set_is_told_and_replaced_by_a_plan(self):
        model = self.synth()
        with self.rpc_server() as address:
            self.assertEqual(self.choose(model, address).returncode, 0)
            (path,) = self.stored()
            path.write_text("{")
            choice = self.choice(model, address)
            self.assertEqual(choice["set"]["origin"], "planned")
            self.assertTrue(any("not used" in note for note in choice["notes"]))

    # ---- output

    def test_every_format_is_the_document_alone(self):
        model = self.synth()
        with self.rpc_server() as address:
            for form in FORMATS:
                done = self.choose(model, address, "--format", form)
                self.assertEqual(done.returncode, 0, form + done.stderr)
                self.assertIn("planned, not measured", done.stderr)
                self.assertNotIn("planned, not measured", done.stdout)
                self.assertTrue(done.stdout.endswith("\n"))
                self.assertIn("tiny", done.stdout)
            exported = self.valid(self.choose(model, address, "--format", "json").stdout,
                                  "export-1.schema.json")
            self.assertEqual(exported["rpc"], [address])
            self.assertEqual(exported["config"]["n_gpu_layers"], 4)

    def test_a_name_that_profiles_list_shows_is_a_model(self):
        model = self.synth("tiny.gguf", *TINY, "--name", "My Model")
        self.assertEqual(self.choose(model, None).returncode, 0)
        self.assertIn("My Model", self.run_sweetspot("profiles", "list").stdout)
        for command in (["choose", "My Model"], ["launch", "My Model", "--dry-run"]):
            done = self.run_sweetspot(*command)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(str(model), done.stdout)
        model.rename(self.folder / "moved.gguf")
        self.assert_clear_sentence(self.choose("My Model", None), EXIT_MODEL, "My Model", str(model))

    # ---- what can be wrong

    def test_clear_sentences(self):
        model = self.synth()
        self.assert_clear_sentence(self.choose(self.folder / "no.gguf", None), EXIT_MODEL, "no.gguf")
        for arguments, words in {
                ("--format", "gguf"): ["--format", "llama-swap"],
                ("--min-ctx", "many"): ["--min-ctx", "many"],
                ("--reserve", "-1"): ["--reserve"],
                ("--vram-percent", "nan"): ["--vram-percent"],
                ("--prefer", "colour"): ["--prefer"],
                ("--json", "--format", "env"): ["--json"],
        }.items():
            self.assert_clear_sentence(self.choose(model, None, *arguments), EXIT_USAGE, *words)
        nobody = f"127.0.0.1:{free_port()}"
        self.assert_clear_sentence(self.choose(model, nobody), EXIT_DEVICE, nobody)


if __name__ == "__main__":
    unittest.main()
