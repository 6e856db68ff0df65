"""`sweetspot profile --engine` with llama-servers that are broken, hostile or old (tests/fakes/llama_server_persona.py):
each ends in good time, in one sentence that says what the server did."""

import json

from harness import EXIT_MODEL, EXIT_NOTHING, FAST, NO_DEVICES, SOURCE, SystemTest, main

PERSONA = SOURCE / "tests/fakes/llama_server_persona.py"
IMPATIENT = ["--step-timeout", "4", "--load-timeout", "8"]


class BrokenServers(SystemTest):
    def measured(self, persona, *more):
        """What `profile` makes of it, and the run."""
        engine = self.folder / persona
        engine.symlink_to(PERSONA)
        notes = self.folder / f"{persona}.starts"
        notes.touch()
        env = {**NO_DEVICES, "FAKE_SERVER_NOTES": str(notes), "SWEETSPOT_SYSFS_ROOT": self.calm_kernel()}
        done = self.run_sweetspot("profile", self.model, *FAST, *more, *IMPATIENT, "--json", "--engine", engine, env=env)
        return done, json.loads(done.stdout or "{}")

    def setUp(self):
        super().setUp()
        self.model = self.synth()

    def test_each_is_told_in_one_sentence(self):
        for persona, code, words in (
                ("dies", EXIT_NOTHING, "SIGABRT"),
                ("dies-loading", EXIT_NOTHING, "memory"),
                ("nonsense", EXIT_NOTHING, "makes no sense"),
                ("ends-early", EXIT_NOTHING, "before a token was timed"),
                ("endless", EXIT_NOTHING, "more tokens than it was asked for"),
                ("keyless", EXIT_NOTHING, "without asking for its key"),
                ("remover", EXIT_NOTHING, "has been removed"),
                ("hangs", EXIT_NOTHING, "within 4"),
                ("never-ready", EXIT_NOTHING, "within 8"),
                ("infinite", EXIT_MODEL, "NaN")):
            with self.subTest(persona):
                done, run = self.measured(persona)
                self.assert_clear_sentence(done, code, words)
                self.assertTrue(all(trial["error"] for trial in run["results"]), run["results"])

    def test_a_card_that_is_not_used_is_no_result(self):
        done, run = self.measured("cpu-fallback")
        self.assertEqual(done.returncode, 0, done.stderr)
        on_card = [trial for trial in run["results"] if trial["layers"] > 0]
        self.assertTrue(on_card)
        for trial in on_card:
            self.assertIn("put nothing on CUDA0", trial["error"]["message"])
        self.assertEqual({run["results"][one["result"]]["layers"] for one in run["profiles"]
                          if one["result"] is not None}, {0}, "none of its layers is recommended")

    def test_a_smaller_cache_costs_two_loads(self):
        done, run = self.measured("modern", "-ctk", "q8_0", "-ctv", "q8_0", "-fa", "on", "-c", "512")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([trial["divergence"]["mean"] for trial in run["results"]], [0])
        self.assertEqual(len((self.folder / "modern.starts").read_text().splitlines()), 2,
                         "one with an f16 cache to compare with, and the trial's own")

    def test_a_port_that_somebody_took_is_left_for_another(self):
        for persona in ("port-taken", "twin"):
            with self.subTest(persona):
                done, run = self.measured(persona)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual([trial["error"] for trial in run["results"]], [None])
                self.assertEqual(len((self.folder / f"{persona}.starts").read_text().splitlines()), 2)

    def test_one_that_is_kept_from_answering_for_a_while_is_asked_again(self):
        done, run = self.measured("busy")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([trial["error"] for trial in run["results"]], [None])

    def test_one_that_lists_no_devices_is_measured_on_the_processor(self):
        for persona in ("elder", "cousin"):
            with self.subTest(persona):
                done, run = self.measured(persona)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("does not list its devices", "".join(run["notices"]))


if __name__ == "__main__":
    main()
