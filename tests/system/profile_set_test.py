"""Profile sets: `profile` and `tune` keep one, `sweetspot profiles` lists, shows and moves it."""

import collections
import json
import signal
import subprocess
import time
import unittest

from harness import (EXIT_INTERRUPTED, EXIT_MODEL, EXIT_OUTPUT, EXIT_USAGE, FAST, SOURCE, SystemTest)

SCHEMA = SOURCE / "docs/formats/profiles-1.schema.json"


class ProfileSets(SystemTest):
    def sets(self, data="data"):
        return sorted((self.folder / data / "sweetspot/profiles").glob("*.json"))

    def profiles(self, *arguments, env=None):
        return self.run_sweetspot("profiles", *arguments, env=env)

    def validate(self, path):
        done = subprocess.run(["/usr/bin/python3", SOURCE / "tests/system/validate_json.py", SCHEMA,
                               path], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def measured(self, *arguments, env=None):
        """A model that was profiled on an RPC device; gives (process, model)."""
        model = self.synth()
        with self.rpc_server() as address:
            done, _ = self.profile(model, "--rpc", address, "--layers", "0,2,-1", *arguments, "-o",
                                   "run.json", env=env)
        return done, model

    def test_a_profile_keeps_a_set_that_can_be_listed_shown_moved_and_removed(self):
        done, model = self.measured()
        self.assertEqual(done.returncode, 0, done.stderr)
        (path,) = self.sets()
        self.assertIn("Start it: sweetspot launch", done.stderr)
        self.validate(path)
        kept = json.loads(path.read_text())
        run = json.loads((self.folder / "run.json").read_text())
        self.check_against_run(kept, run)
        self.check_list_and_show(path, model, kept)
        self.check_moving(path, model, kept)

    def test_what_was_measured_for_other_requests_stays(self):
        model = self.synth()
        for n_prompt in (32, 64):
            done = self.run_sweetspot("profile", model, "-c", 256, "-b", 64, "-ub", 64, "-n", 16, "-t", 1,
                                      "--max-seconds", 0.3, "-p", n_prompt, "--layers", 0, "-o", "run.json")
            self.assertEqual(done.returncode, 0, done.stderr)
        prompts = {json.loads(path.read_text())["workload"]["n_prompt"] for path in self.sets()}
        self.assertEqual(prompts, {32, 64})
        last = self.run_sweetspot("choose", model, "--details")
        self.assertEqual(last.returncode, 0, last.stderr)
        words = " ".join(last.stdout.split())
        self.assertIn("with 64 prompt and 16 generated tokens", words)
        self.assertIn("32 prompt and 16 generated tokens, 0 before them too, see --workload", words)
        first = self.run_sweetspot("choose", model, "--workload", "32,16", "--details")
        self.assertIn("with 32 prompt and 16 generated tokens", " ".join(first.stdout.split()))
        none = self.run_sweetspot("choose", model, "--workload", "rag")
        self.assert_clear_sentence(none, EXIT_USAGE, "rag", "sweetspot tune")

    def check_against_run(self, kept, run):
        self.assertEqual(kept["origin"], "measured")
        self.assertEqual(kept["fingerprint"]["model"], run["model"]["fingerprint"])
        self.assertEqual(kept["model"]["path"], run["model"]["path"])
        self.assertEqual([device["id"] for device in kept["devices"]], ["RPC0"])
        rows = collections.defaultdict(list)  # what was doubted is measured again
        for row in run["results"]:
            rows[row["layers"], *row["config"]["devices"]].append(row)
        profiles = kept["profiles"]
        self.assertEqual(profiles[-1]["name"], "cpu_fallback")
        self.assertEqual(profiles[-1]["config"]["n_gpu_layers"], 0)
        self.assertEqual(profiles[-1]["config"]["devices"], ["none"])
        self.assertEqual(profiles[-1]["needs"], [])
        wanted = {p["name"]: p["result"] for p in run["profiles"] if p["result"] is not None}
        self.assertEqual(set(wanted) - {p["name"] for p in profiles}, set())
        for profile in profiles:
            (row,) = [row for row in rows[profile["config"]["n_gpu_layers"], *profile["config"]["devices"]]
                      if row["generation"]["tokens_per_second"] == profile["tokens_per_second"]["value"]]
            self.assertEqual(profile["config"]["n_ctx"], row["effective"]["n_ctx"])
            self.assertIn("whole context of 256 held", profile["evidence"])
            buffers = sum(device[kind] for device in row["devices"] if device["id"] == "RPC0"
                          for kind in ("model_bytes", "context_bytes", "compute_bytes"))
            if row["layers"] > 0:
                (need,) = profile["needs"]
                self.assertEqual(need["device"], "RPC0")
                self.assertGreaterEqual(need["bytes"], buffers)
        speeds = [p["tokens_per_second"]["value"] for p in profiles[:-1]]
        self.assertEqual(speeds, sorted(speeds, reverse=True))

    def check_list_and_show(self, path, model, kept):
        listed = self.profiles("list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn(path.name, listed.stdout)
        (entry,) = json.loads(self.profiles("list", "--json").stdout)
        self.assertEqual(entry, {"path": str(path), "set": kept, "error": None})
        renamed = self.folder / "renamed.gguf"
        renamed.write_bytes(model.read_bytes())
        for name in (path.name, path, model, renamed):
            shown = self.profiles("show", name, "--json")
            self.assertEqual(json.loads(shown.stdout), kept, shown.stderr)
        text = self.profiles("show", model).stdout
        for profile in kept["profiles"]:
            self.assertIn(profile["name"], text)
            self.assertIn(profile["evidence"].split(",")[0].split(": ")[0], text)

    def check_moving(self, path, model, kept):
        exported = self.folder / "exported.json"
        done = self.profiles("export", model, "-o", exported)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(json.loads(exported.read_text()), kept)
        self.assertEqual(json.loads(self.profiles("export", path.name).stdout), kept)
        removed = self.profiles("remove", model)
        self.assertEqual(removed.returncode, 0, removed.stderr)
        self.assertEqual(self.sets(), [])
        self.assert_clear_sentence(self.profiles("show", model), EXIT_OUTPUT, "no profile set")
        self.assert_clear_sentence(self.profiles("remove", path.name), EXIT_OUTPUT,
                                   "no profile set")
        self.assertIn("no profile sets in", self.profiles("list").stdout)
        imported = self.profiles("import", exported)
        self.assertEqual(imported.returncode, 0, imported.stderr)
        self.assertEqual(imported.stderr, "", "its one device is behind RPC, and not looked for")
        self.assertEqual(json.loads(path.read_text()), kept, "under the same name as before")

    def test_a_set_of_another_machine_is_imported_with_a_warning_that_names_its_device(self):
        golden = SOURCE / "tests/golden/profiles_measured.json"
        done = self.profiles("import", golden)
        self.assertEqual(done.returncode, 0, done.stderr)
        warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
        self.assertEqual(len(warnings), 1, done.stderr)
        self.assertIn("CUDA0 (NVIDIA GeForce RTX 4050 Laptop GPU) is not here", warnings[0])
        (path,) = self.sets()
        self.assertEqual(json.loads(path.read_text()), json.loads(golden.read_text()))
        self.assertEqual(self.profiles("import", golden).returncode, 0)
        self.assertEqual(json.loads(path.read_text()), json.loads(golden.read_text()),
                         "the reports are there once")

    def test_what_is_no_set_is_refused_and_left_as_it_is(self):
        good = (SOURCE / "tests/golden/profiles_measured.json").read_text()
        self.assertEqual(self.profiles("import", SOURCE / "tests/golden/profiles_measured.json")
                         .returncode, 0)
        (path,) = self.sets()
        newer = good.replace("sweetspot.profiles/1", "sweetspot.profiles/2")
        for text, word in ((newer, "newer sweetspot"), (good[:500], "no whole profile set"),
                           ("", "no whole profile set")):
            file = self.folder / "file.json"
            file.write_text(text)
            self.assert_clear_sentence(self.profiles("import", file), EXIT_OUTPUT, word)
            path.write_text(text)
            for action in ("show", "export"):
                self.assert_clear_sentence(self.profiles(action, path.name), EXIT_OUTPUT, word)
            listed = self.profiles("list")
            self.assertEqual(listed.returncode, 0, listed.stderr)
            self.assertIn(word, " ".join(listed.stdout.split()))
            self.assertEqual(path.read_text(), text)
        path.write_text(newer)
        done = self.profiles("import", SOURCE / "tests/golden/profiles_measured.json")
        self.assertEqual(done.returncode, EXIT_OUTPUT, done.stderr)
        self.assertIn("newer sweetspot", done.stderr)
        self.assertEqual(path.read_text(), newer)

    def test_arguments_that_mean_nothing(self):
        self.assert_clear_sentence(self.profiles(), EXIT_USAGE)
        self.assert_clear_sentence(self.profiles("polish"), EXIT_USAGE)
        self.assert_clear_sentence(self.profiles("show", "none.gguf"), EXIT_MODEL, "none.gguf")
        self.assert_clear_sentence(self.profiles("import", "none.json"), EXIT_OUTPUT, "none.json")

    def test_a_folder_that_cannot_be_written_costs_no_run(self):
        # A file where the folder should be: no permission is needed for that to fail, even for root.
        (self.folder / "blocked").write_text("")
        done, _ = self.measured(env={"XDG_DATA_HOME": str(self.folder / "blocked")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("profiles are not kept: ", done.stderr)
        run = json.loads((self.folder / "run.json").read_text())
        self.assertTrue(run["complete"])

    def test_without_store_nothing_is_kept_and_xdg_data_home_says_where_it_is(self):
        done, model = self.measured("--no-store")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("profiles:", done.stderr)
        self.assertEqual(self.sets(), [])
        other = {"XDG_DATA_HOME": str(self.folder / "other"), "HOME": str(self.folder / "home")}
        self.assertEqual(self.profile(model, "--layers", "0", "-o", "a.json", env=other)[0]
                         .returncode, 0)
        (path,) = self.sets("other")
        self.assertEqual(json.loads(path.read_text())["profiles"][-1]["name"], "cpu_fallback")
        at_home = {"XDG_DATA_HOME": "", "HOME": str(self.folder / "home")}
        self.assertEqual(self.profile(model, "--layers", "0", "-o", "b.json", env=at_home)[0]
                         .returncode, 0)
        self.assertEqual(len(self.sets("home/.local/share")), 1)

    def interrupted(self, model, address, path):
        running = self.start_sweetspot("profile", model, *FAST, "--layers", "0,2", "--rpc", address,
                                       "--max-seconds", "2", "--precision", "0.0001%", "-o", path,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if path.exists() and json.loads(path.read_text())["results"]:
                break
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=20)
        self.assertEqual(running.returncode, EXIT_INTERRUPTED, stderr)
        return stdout

    def test_ctrl_c_keeps_what_is_there_but_not_instead_of_a_whole_measurement(self):
        model = self.synth()
        with self.rpc_server() as address:
            stdout = self.interrupted(model, address, self.folder / "one.json")
            (path,) = self.sets()
            self.assertIn("Start it: sweetspot launch", stdout)
            self.validate(path)
            first = json.loads(path.read_text())
            self.assertEqual(first["profiles"][-1]["name"], "cpu_fallback")
            done, _ = self.profile(model, "--rpc", address, "--layers", "0,2,-1", "-o", "two.json")
            self.assertEqual(done.returncode, 0, done.stderr)
            whole = path.read_text()
            self.assertNotEqual(json.loads(whole), first)
            stdout = self.interrupted(model, address, self.folder / "three.json")
            self.assertIn("those of an earlier one are kept", " ".join(stdout.split()))
            self.assertEqual(path.read_text(), whole)

    def test_a_tune_keeps_its_winner(self):
        model = self.synth()
        done = self.run_sweetspot("tune", model, "-c", "512", "-p", "32", "-n", "16", "-d", "0",
                                  "-t", "1", "--max-seconds", "0.2", "--max-minutes", "0.3",
                                  "-o", "tune.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        (path,) = self.sets()
        self.validate(path)
        kept = json.loads(path.read_text())
        run = json.loads((self.folder / "tune.json").read_text())
        self.assertEqual(kept["objective"], run["tune"]["objective"])
        self.assertEqual(kept["profiles"][-1]["name"], "cpu_fallback")
        winner = run["results"][run["tune"]["winner"]]
        if winner["extent"] == "full":
            (tuned,) = [p for p in kept["profiles"] if p["name"] == "tuned"]
            self.assertEqual(tuned["config"]["n_ubatch"], winner["effective"]["n_ubatch"])
            self.assertEqual(tuned["tokens_per_second"]["value"],
                             winner["generation"]["tokens_per_second"])


if __name__ == "__main__":
    unittest.main()
