"""`sweetspot history` and `sweetspot compare`: what was measured is found again, and held against each other."""

import json
import sqlite3
import unittest

from harness import EXIT_OUTPUT, EXIT_USAGE, SystemTest

SLOWER = 1


class History(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.measured = None

    def run_file(self):
        """A run of a real worker, measured once for all tests and copied into each one's folder."""
        if type(self).measured is None:
            model = self.synth()
            done, run = self.profile(model, "--layers", "0", "--no-store", "-o", "run.json")
            self.assertEqual(done.returncode, 0, done.stderr)
            type(self).measured = (self.folder / "run.json").read_text()
            self.assertEqual(json.loads(type(self).measured), run)
        path = self.folder / "measured.json"
        path.write_text(type(self).measured)
        return path

    def history(self, *arguments, env=None):
        return self.run_sweetspot("history", *arguments, env=env)

    def listed(self, *arguments):
        done = self.history(*arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["runs"]

    def database(self):
        return self.folder / "data/sweetspot/history.sqlite3"

    def test_a_run_is_kept_found_shown_exported_and_removed(self):
        model = self.synth()
        done, run = self.profile(model, "--layers", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        (entry,) = self.listed()
        self.assertEqual(entry["model"], "tiny.gguf")
        self.assertEqual(entry["started_at"], run["started_at"])
        best = run["results"][run["analysis"]["optimum"]]
        self.assertAlmostEqual(entry["tokens_per_second"]["value"], best["generation"]["tokens_per_second"])
        self.assertIn(entry["name"], self.history().stdout)
        shown = self.history("show", "latest")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("tiny.gguf", shown.stdout)
        exported = self.history("export", entry["name"])
        self.assertEqual(json.loads(exported.stdout), run)
        self.assertEqual(self.history("export", entry["name"], "-o", "-").stdout, exported.stdout)
        self.assertFalse((self.folder / "-").exists())
        removed = self.history("remove", entry["name"])
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertEqual(self.listed(), [])

    def test_a_run_that_lies_elsewhere_is_listed_too_and_no_store_keeps_nothing(self):
        model = self.synth()
        done, _ = self.profile(model, "--layers", "0", "-o", "mine.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        (entry,) = self.listed()
        self.assertEqual(entry["path"], str(self.folder / "mine.json"))
        done, _ = self.profile(model, "--layers", "0", "-o", "other.json", "--no-store")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.listed()), 1)
        self.assertEqual(self.history("remove", "mine").returncode, 0)
        self.assertTrue((self.folder / "mine.json").exists(), "the file is its owner's")

    def test_import_is_all_or_none(self):
        run = self.run_file()
        broken = self.folder / "broken.json"
        broken.write_text(run.read_text()[:-100])
        done = self.history("import", run, broken)
        self.assert_clear_sentence(done, EXIT_USAGE, "broken.json")
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.history("import", run).returncode, 0)
        run.unlink()
        (entry,) = self.listed()
        self.assertEqual(self.history("show", entry["name"]).returncode, 0)

    def test_a_damaged_database_is_set_aside_named_and_made_again(self):
        self.assertEqual(self.history("import", self.run_file()).returncode, 0)
        before = self.listed()
        self.database().write_bytes(b"\xff" * 8192)
        done = self.history("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("history.sqlite3.damaged-1", done.stderr)
        self.assertEqual(json.loads(done.stdout)["runs"], before)

    def test_a_newer_one_is_refused(self):
        self.assertEqual(self.history("import", self.run_file()).returncode, 0)
        with sqlite3.connect(self.database()) as database:
            database.execute("PRAGMA user_version = 7")
        database.close()
        self.assert_clear_sentence(self.history(), EXIT_OUTPUT, "newer sweetspot")

    def test_names_that_are_none_or_several(self):
        run = self.run_file()
        self.assertEqual(self.history("import", run, run).returncode, 0)
        self.assert_clear_sentence(self.history("show", "nothing"), EXIT_USAGE, "nothing")
        self.assert_clear_sentence(self.history("show", "tiny"), EXIT_USAGE, "may be")

    def compare(self, *arguments):
        return self.run_sweetspot("compare", *arguments)

    def bent(self, name, factor, change=lambda run: None):
        """The measured run as it would be on something that is `factor` times as fast."""
        run = json.loads(self.run_file().read_text())
        for row in run["results"]:
            for speed in (row["prompt"], row["generation"]):
                for key in ("tokens_per_second", "ci95_low", "ci95_high"):
                    speed[key] *= factor
                speed["ms_per_token"] /= factor
        change(run)
        path = self.folder / name
        path.write_text(json.dumps(run))
        return path

    def test_a_run_against_itself_is_not_told_apart(self):
        run = self.run_file()
        done = self.compare(run, run, "--fail-if-slower", "1%")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in (" faster", " slower"):
            self.assertNotIn(word, done.stdout)
        self.assertIn("Nothing that is known differs", done.stdout)

    def test_a_slower_run_is_called_so_and_what_differs_comes_first(self):
        def change(run):
            run["engine"]["llama_build"] = "99999 (other)"

        slower = self.bent("slower.json", 0.5, change)
        done = self.compare(self.run_file(), slower, "--fail-if-slower", "10%")
        self.assertEqual(done.returncode, SLOWER, done.stderr)
        self.assertIn("50.0 % slower", done.stdout)
        self.assertLess(done.stdout.index("99999"), done.stdout.index("% slower"))
        self.assertEqual(self.compare(slower, self.run_file(), "--fail-if-slower", "10%").returncode, 0)
        document = json.loads(self.compare(self.run_file(), slower, "--json").stdout)
        self.assertEqual(document["schema"], "sweetspot.comparison/1")
        self.assertEqual({pair["finding"] for pair in document["profiles"]}, {"slower"})

    def test_what_compare_does_not_take(self):
        run = self.run_file()
        self.assert_clear_sentence(self.compare(run, "no-such-run"), EXIT_USAGE, "no-such-run")
        self.assert_clear_sentence(self.compare(run, run, "--fail-if-slower", "much"), EXIT_USAGE,
                                   "--fail-if-slower")


if __name__ == "__main__":
    unittest.main()
