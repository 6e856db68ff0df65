"""`sweetspot compare MODEL --engine A --engine B`: the real llama-server against itself, and against itself held up."""

import json

from harness import EXIT_USAGE, LLAMA_PROGRAMS, NO_DEVICES, SystemTest, main

SLOWER = 1

# Starts the real server, and stops it for half of the time once it serves.
SLOWED = """#!/usr/bin/python3
import os, signal, subprocess, sys, time
child = subprocess.Popen([{server!r}, *sys.argv[1:]])
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: (os.kill(child.pid, signal.SIGCONT), child.terminate()))
if "--port" in sys.argv:
    while child.poll() is None:
        time.sleep(0.004)
        child.send_signal(signal.SIGSTOP)
        time.sleep(0.004)
        child.send_signal(signal.SIGCONT)
sys.exit(child.wait())
"""


class CompareEngines(SystemTest):
    def setUp(self):
        super().setUp()
        self.server = LLAMA_PROGRAMS / "llama-server"
        if not self.server.exists():
            self.skipTest("there is no llama-server beside the llama.cpp that was built against")
        # A token takes longer than the time for which the slowed one is stopped: each is slower, not a few.
        self.model = self.synth("small.gguf", "--blocks", "8", "--embd", "1024", "--ff", "2816", "--heads", "8",
                                "--kv-heads", "4", "--vocab", "4096")
        done, _ = self.profile(self.model, "--layers", "0", env=NO_DEVICES)
        self.assertEqual(done.returncode, 0, done.stderr)

    def slowed(self):
        path = self.folder / "slowed" / "llama-server"
        path.parent.mkdir()
        path.write_text(SLOWED.format(server=str(self.server)))
        path.chmod(0o755)
        return path

    def compare(self, a, b, *arguments):
        return self.run_sweetspot("compare", self.model, "--engine", a, "--engine", b, "--max-seconds", "2",
                                  "--max-minutes", "0.3", *arguments, env=NO_DEVICES, timeout=300)

    def test_an_engine_that_is_held_up_is_slower_and_both_runs_are_kept(self):
        done = self.compare(self.server, self.slowed(), "--fail-if-slower", "10%")
        self.assertEqual(done.returncode, SLOWER, done.stdout + done.stderr)
        self.assertIn("% slower", done.stdout)
        self.assertRegex(done.stdout, "Measured in [0-9]+ round")
        runs = [json.loads(path.read_text()) for path in self.runs()]
        self.assertEqual(sorted(run["settings"]["mode"] for run in runs), ["compare", "compare", "custom"])
        programs = {run["engine"]["program"] for run in runs if run["settings"]["mode"] == "compare"}
        self.assertEqual(len(programs), 2)

    def test_an_engine_against_itself_is_no_faster(self):
        done = self.compare("linked", "linked", "--json", "--no-store")
        self.assertEqual(done.returncode, 0, done.stderr)
        document = json.loads(done.stdout)
        self.assertEqual(document["schema"], "sweetspot.comparison/1")
        self.assertEqual(document["differences"], [])
        generation, = (pair for pair in document["profiles"] if pair["measure"] == "generation")
        self.assertLess(abs(generation["ratio"]["value"] - 1), 0.25)
        self.assertEqual(len(self.runs()), 1)

    def test_what_it_does_not_take(self):
        for arguments in ((self.model, "--engine", "linked"), (self.model,),
                          (self.model, "b.json", "--engine", "linked", "--engine", "linked")):
            done = self.run_sweetspot("compare", *arguments)
            self.assert_clear_sentence(done, EXIT_USAGE, "--engine")
        done = self.run_sweetspot("compare", self.model, "--engine", "linked", "--engine", "/bin/true")
        self.assert_clear_sentence(done, EXIT_USAGE, "/bin/true")


if __name__ == "__main__":
    main()
