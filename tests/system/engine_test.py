"""`sweetspot engine` and `--engine`: the real llama-server of the private prefix, programs that are none, and
scripts that have the help texts of other dialects (tests/dialect/help)."""

import json
import os
import pathlib
import subprocess

from harness import BIN, EXIT_DEVICE, EXIT_USAGE, LLAMA_PROGRAMS, NO_DEVICES, SOURCE, SystemTest, main

HELP = SOURCE / "tests/dialect/help"


class Engine(SystemTest):
    def program(self, name, body):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(0o755)
        return path

    def server_of(self, dialect, name="servers/llama-server"):
        """A script that has that dialect's help, and notes what it is started with."""
        return self.program(name, f"""echo "$*" >> '{self.folder}/asked'
case "$*" in
*--help*) cat '{HELP / dialect}.txt' ;;
*--version*) echo 'version: 4100 (abc1234)' >&2 ;;
*) echo 'error: invalid argument' >&2; exit 1 ;;
esac
""")

    def asked(self):
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def real(self):
        if not (LLAMA_PROGRAMS / "llama-server").exists():
            self.skipTest("there is no llama-server beside the llama.cpp that was built against")
        return LLAMA_PROGRAMS / "llama-server"

    def engine(self, *arguments, env=None):
        return self.run_sweetspot("engine", *arguments, env={"HOME": str(self.folder), **(env or {})})

    # ---- the real one

    def test_the_real_llama_server_is_found_and_read(self):
        path = self.real()
        done = self.engine("list", "--json", env={"PATH": f"{LLAMA_PROGRAMS}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = json.loads(done.stdout)
        self.assertEqual(listed["schema"], "sweetspot.engines/1")
        by_name = {each["engine"]: each for each in listed["engines"]}
        self.assertTrue(by_name["linked"]["used"], "it comes before one that is found")
        self.assertEqual(by_name[str(path)]["found"], "PATH")
        self.assertEqual(by_name[str(path)]["family"], "llama.cpp")

    def test_it_can_be_told_every_knob_and_takes_what_is_spelled(self):
        path = self.real()
        done = self.engine("show", path, "--json", env=NO_DEVICES)
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = json.loads(done.stdout)
        self.assertEqual(shown["lacks"], [])
        self.assertRegex(shown["hash"], "^[0-9a-f]{16}$")
        if not (BIN / "sweetspot-adapter").exists():
            self.skipTest("sweetspot-adapter is not built: nobody can plan with this engine")
        # Its own parser judges the words: with --version behind them all are read and nothing is loaded.
        model = self.synth()
        flags = self.run_sweetspot("plan", model, "--flags", "--engine", path, "-c", "512", "--no-kv-offload",
                                   "-lm", "none", "-fa", "on", "-ncffn", "1", "--vram-limit", "2GiB",
                                   env=NO_DEVICES)
        self.assertEqual(flags.returncode, 0, flags.stderr)
        for words in ("--load-mode none", "--flash-attn on", "--no-kv-offload", "--cache-type-k f16"):
            self.assertIn(words, flags.stdout)
        judged = subprocess.run(f"exec {path} {flags.stdout.strip()} --version", shell=True, capture_output=True,
                                text=True, timeout=60, env=self.environment(NO_DEVICES))
        self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)

    def test_what_only_reads_is_for_the_linked_worker(self):
        model = self.synth("bert.gguf", "--arch", "bert", "--blocks", "2", "--embd", "256", "--ff", "512", "--heads", "4",
                           "--kv-heads", "4", "--vocab", "512", "--ctx-train", "128")
        for command in ("profile", "plan", "choose"):
            done = self.run_sweetspot(command, model, "--engine", self.real(), env=NO_DEVICES)
            self.assert_clear_sentence(done, EXIT_USAGE, "only reads", "--engine linked")

    # ---- use, forget, and what comes before what

    def test_use_is_remembered_until_it_is_forgotten(self):
        elder = self.server_of("elder")
        done = self.engine("use", elder.parent)
        self.assertEqual((done.returncode, done.stdout),
                         (0, f"sweetspot uses {elder}: llama.cpp 4100 (abc1234)\n"), done.stderr)
        shown = json.loads(self.engine("show", "--json").stdout)
        self.assertEqual(shown["engine"], str(elder))
        self.assertIn("n_cpu_ffn", shown["lacks"])
        self.assertEqual(self.asked(), ["--help", "--version"], "it is asked once")
        listed = json.loads(self.engine("list", "--json").stdout)
        self.assertEqual([each["engine"] for each in listed["engines"] if each["used"]], [str(elder)])
        cousin = self.server_of("cousin", "other/llama-server")
        shown = json.loads(self.engine("show", "--json", env={"SWEETSPOT_ENGINE": str(cousin)}).stdout)
        self.assertEqual(shown["family"], "ik_llama.cpp", "the variable comes before it")
        self.assertEqual(self.engine("forget").returncode, 0)
        self.assertEqual(json.loads(self.engine("show", "--json").stdout)["engine"], "linked")

    def test_one_that_is_gone_is_said(self):
        elder = self.server_of("elder")
        self.assertEqual(self.engine("use", elder).returncode, 0)
        elder.unlink()
        done = self.engine("show")
        self.assertEqual(done.returncode, EXIT_USAGE)
        self.assertIn("the engine that `sweetspot engine use` named cannot be used", done.stderr)
        self.assertIn("does not exist", done.stderr)
        self.assertIn("engine forget", done.stderr)

    # ---- dialects

    def test_a_knob_that_it_lacks_is_refused_by_name(self):
        model = self.synth()
        done = self.run_sweetspot("plan", model, "--engine", self.server_of("elder"), "-ncffn", "3")
        self.assertEqual(done.returncode, EXIT_USAGE)
        self.assertIn("llama.cpp 4100 (abc1234) cannot be told this: it has no --n-cpu-ffn (wanted: 3)", done.stderr)

    # ---- bad input: one sentence each

    def refused(self, engine, code):
        done = self.engine("show", engine)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def test_what_is_no_engine(self):
        self.assertIn("does not exist", self.refused(self.folder / "nowhere", EXIT_USAGE))
        self.assertIn("there is no program no-such-server in PATH", self.refused("no-such-server", EXIT_USAGE))
        text = self.folder / "text"
        text.write_text("words")
        self.assertIn("may not be executed", self.refused(text, EXIT_USAGE))
        text.chmod(0o755)
        self.assertIn("is no program", self.refused(text, EXIT_USAGE))
        self.assertIn("is no llama-server", self.refused("/bin/true", EXIT_USAGE))
        self.assertIn("is no llama-server", self.refused(BIN / "sweetspot", EXIT_USAGE))
        self.assertIn("is not closed", self.refused("docker 'run", EXIT_USAGE))
        self.assertIn("no llama-server in it", self.refused(pathlib.Path("/proc"), EXIT_USAGE))

    def test_what_cannot_be_started_here(self):
        foreign = self.folder / "foreign"
        header = bytearray(b"\x7fELF" + bytes(60))
        header[18] = 0xb7  # EM_AARCH64
        foreign.write_bytes(header)
        foreign.chmod(0o755)
        if os.uname().machine != "aarch64":
            self.assertIn("is a program for aarch64", self.refused(foreign, EXIT_DEVICE))
        crash = self.program("crash", "kill -SEGV $$\n")
        self.assertIn("ended with signal 11", self.refused(crash, EXIT_DEVICE))
        client = self.program("client", "echo 'docker: Cannot connect to the daemon.' >&2; echo >&2\n"
                                        "echo \"Run 'docker run --help' for more information\" >&2; exit 125\n")
        self.assertIn("exit code 125: docker: Cannot connect", self.refused(f"{client} run image", EXIT_DEVICE))
        lacking = self.program("lacking", "echo 'x: error while loading shared libraries: libcublas.so.12: cannot "
                                          "open shared object file: No such file or directory' >&2; exit 127\n")
        self.assertIn("libcublas.so.12", self.refused(lacking, EXIT_DEVICE))

    def test_one_that_asks_is_not_waited_for(self):
        asks = self.program("asks", "echo 'Accept the licence? [y/n]'; read answer; echo no\n")
        self.assertIn("is no llama-server", self.refused(asks, EXIT_USAGE))


if __name__ == "__main__":
    main()
