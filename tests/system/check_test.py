"""`sweetspot check`: a stored profile measured again, and whether it still holds."""

import json

from harness import EXIT_NOTHING, EXIT_USAGE, SystemTest, main

SLOWER = 1


class Check(SystemTest):
    def measured(self):
        model = self.synth()
        done, _ = self.profile(model, "--layers", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        return model

    def change_set(self, change):
        """As if the stored profiles had been measured otherwise."""
        (path,) = (self.folder / "data/sweetspot/profiles").glob("*.json")
        kept = json.loads(path.read_text())
        change(kept)
        path.write_text(json.dumps(kept))
        return path

    def check(self, *arguments):
        return self.run_sweetspot("check", "tiny.gguf", "--max-seconds", "0.5", *arguments)

    def test_what_is_measured_again_is_kept_as_a_run_and_the_profiles_stay(self):
        self.measured()
        path = self.change_set(lambda kept: None)
        before = path.read_bytes()
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cpu_fallback", done.stdout)
        self.assertIn("Nothing that is known differs", done.stdout)
        self.assertEqual(path.read_bytes(), before)
        runs = [json.loads(run.read_text()) for run in self.runs()]
        self.assertEqual(sorted(run["settings"]["mode"] for run in runs), ["check", "custom"])
        profiled, = (run for run in runs if run["settings"]["mode"] == "custom")
        checked, = (run for run in runs if run["settings"]["mode"] == "check")
        self.assertEqual(checked["results"][0]["config"]["n_ctx"], profiled["results"][0]["config"]["n_ctx"])
        self.assertEqual(checked["workload"], profiled["workload"])
        self.assertIn("check", self.run_sweetspot("history").stdout)

    def test_one_that_was_faster_then_does_not_hold(self):
        self.measured()

        def faster(kept):
            kept["fingerprint"]["llama_cpp"] = "another build"
            for profile in kept["profiles"]:
                for key in ("value", "low", "high"):
                    profile["tokens_per_second"][key] *= 4

        self.change_set(faster)
        done = self.check("--fail-if-slower", "10%")
        self.assertEqual(done.returncode, SLOWER, done.stderr)
        self.assertIn("does not hold any more: generation", done.stdout)
        self.assertIn("% slower", done.stdout)
        self.assertIn("another build", done.stdout)
        self.assertIn("sweetspot profile", done.stdout)
        document = json.loads(self.check("--json", "--no-store").stdout)
        self.assertEqual(document["schema"], "sweetspot.comparison/1")
        self.assertEqual(document["profiles"][0]["finding"], "slower")

    def test_who_starts_the_model_is_told_how_to_check_it(self):
        model = self.measured()

        def other_build(kept):
            kept["fingerprint"]["llama_cpp"] = "another build"

        self.assertNotIn("sweetspot check", self.run_sweetspot("choose", model).stdout)
        self.change_set(other_build)
        chosen = " ".join(self.run_sweetspot("choose", model).stdout.split())
        self.assertIn("another build", chosen)
        self.assertIn(f"sweetspot check {model}", chosen)
        launched = self.run_sweetspot("launch", model, "--dry-run", "--", "/bin/echo", "{model}", "{n_gpu_layers}")
        (line,) = (line for line in launched.stderr.splitlines() if "another build" in line)
        self.assertIn(f"sweetspot check {model}", line)

    def test_what_cannot_be_checked_is_said_in_a_sentence(self):
        self.synth()
        self.assert_clear_sentence(self.check(), EXIT_USAGE, "no measured profiles are kept", "sweetspot profile")
        self.measured()
        self.assert_clear_sentence(self.check("--profile", "fastest"), EXIT_USAGE, "fastest", "cpu_fallback")
        self.assert_clear_sentence(self.check("--fail-if-slower", "much"), EXIT_USAGE, "--fail-if-slower")

    def test_one_that_cannot_be_loaded_any_more_does_not_hold(self):
        self.measured()

        def refused(kept):
            for profile in kept["profiles"]:
                profile["config"].update({"type_v": "q8_0", "flash_attn": "off"})

        self.change_set(refused)
        done = self.check()
        self.assertEqual(done.returncode, EXIT_NOTHING, done.stdout + done.stderr)
        self.assertIn("does not hold any more: llama.cpp refuses", done.stdout)


if __name__ == "__main__":
    main()
