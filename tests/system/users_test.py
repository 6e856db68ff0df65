"""What five kinds of user type and read: the answer comes first, in one screen, and the command works when pasted."""

import json
import os
import re
import subprocess
import time
import unittest
import urllib.request

from harness import EXIT_MODEL, EXIT_USAGE, FAST, LLAMA_PROGRAMS, SOURCE, SystemTest, free_port, main

ZEPHYR = SOURCE / "tests/fixtures/headers/zephyr-7b.gguf"
SCREEN_LINES, SCREEN_COLUMNS = 24, 80


def command_in(screen):
    """The command of a screen as it stands there: set in by two columns, and what a backslash continues."""
    lines = iter(screen.splitlines())
    for line in lines:
        if line.startswith("  llama-server "):
            block = [line]
            while block[-1].endswith("\\"):
                block.append(next(lines))
            return "\n".join(block)
    raise AssertionError("no command in\n" + screen)


class User(SystemTest):
    def screen(self, *arguments, code=0):
        """What a terminal of 80 columns without colour would be left with."""
        done = self.run_sweetspot(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stdout.splitlines()
        self.assertLessEqual(len(lines), SCREEN_LINES, done.stdout)
        return done.stdout

    def assert_answered_by(self, screen, line, answer):
        """Within the first `line` lines."""
        self.assertRegex("\n".join(screen.splitlines()[:line]), answer)

    def run_pasted(self, command, seconds=60):
        """Pastes the command into a shell, with a port of its own; gives what the server says of itself."""
        port = free_port()
        with open(self.folder / "server.log", "w") as log:
            server = subprocess.Popen(
                ["sh", "-c", f"exec {command.strip()} --host 127.0.0.1 --port {port}"], cwd=self.folder,
                stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=self.environment({"PATH": f"{LLAMA_PROGRAMS}:/usr/bin:/bin"}))
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and server.poll() is None:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as health:
                        if health.status == 200:
                            break
                except OSError:
                    time.sleep(0.1)
            self.assertIsNone(server.poll(), (self.folder / "server.log").read_text()[-3000:])
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/props", timeout=20) as props:
                return json.load(props)
        finally:
            server.terminate()
            server.wait(timeout=30)


class OneCardAndAModel(User):
    """Which number of layers, and what do I type?"""

    def test_profile_answers_in_its_first_line_and_its_command_can_be_pasted(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        with self.rpc_server() as address:
            screen = self.screen("profile", model, *FAST, "--layers", "0,2,4", "--rpc", address)
            self.assert_answered_by(screen, 1, r"^(Use \d+ of 4 layers|Do not offload): .*tokens/s")
            self.assert_answered_by(screen, 5, r"  llama-server -m ")
            props = self.run_pasted(command_in(screen))
        self.assertEqual(props["default_generation_settings"]["n_ctx"], 256, "the context that was measured")

    def test_tune_gives_the_command_of_what_it_found(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        screen = self.screen("tune", model, "-c", "512", "-p", "32", "-n", "16", "-d", "0", "-t", "1",
                             "--max-seconds", "0.2", "--max-minutes", "0.5")
        self.assert_answered_by(screen, 2, r"(times as fast as|defaults|[Nn]ot decided)")
        if "  llama-server " in screen:
            props = self.run_pasted(command_in(screen))
            self.assertEqual(props["default_generation_settings"]["n_ctx"], 512)

    def test_devices_says_where_layers_go(self):
        with self.rpc_server() as address:
            screen = self.screen("devices", "--rpc", address)
        self.assert_answered_by(screen, 1, r"llama.cpp puts layers on RPC0")
        self.assertIn("sweetspot profile MODEL.gguf", screen)


class TwoCardsAndLlamaSwap(User):
    """Does it fit, split how, and what goes into the config?"""

    def test_plan_answers_in_its_first_line(self):
        screen = self.screen("plan", ZEPHYR, "--vram-limit", "4GiB,4GiB", "-c", "4096", "--contexts", "4096")
        self.assert_answered_by(screen, 1, r"all 33 layers with 4096 tokens of context fit")
        self.assertIn("-ts 4,4", command_in(screen))

    def test_what_does_not_fit_has_its_remedy_and_a_command(self):
        screen = self.screen("plan", ZEPHYR, "--vram-limit", "6GiB", "-c", "8192", "--contexts", "2048,8192")
        self.assert_answered_by(screen, 2, r"do not fit")
        self.assert_answered_by(screen, 10, r"  llama-server -m ")
        self.assertIn("you give up", screen)

    def test_the_config_is_the_document_alone(self):
        model = self.synth()
        done = self.run_sweetspot("choose", model, "--format", "llama-swap")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("models:", done.stdout)


class PythonDesktopApp(User):
    """What do I pass to llama-cpp-python?"""

    def test_choose_names_what_to_load_and_its_command_can_be_pasted(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        screen = self.screen("choose", model)
        self.assert_answered_by(screen, 1, r"^Load \w+: ")
        props = self.run_pasted(command_in(screen))
        self.assertEqual(props["default_generation_settings"]["n_ctx"], 4096)

    def test_the_arguments_are_json_alone(self):
        done = self.run_sweetspot("choose", self.synth(), "--format", "llama-cpp-python")
        self.assertEqual(json.loads(done.stdout)["n_ctx"], 4096)


class EngineerWhoMustTrustTheNumbers(User):
    """How sure is it, and where is the rest?"""

    def test_every_speed_has_its_interval_and_the_screen_says_where_all_of_it_lies(self):
        model = self.synth()
        screen = self.screen("profile", model, *FAST, "--layers", "0")
        self.assertRegex(screen, r"\d ±\d|\d to \d")
        path = screen.splitlines()[-1].removeprefix("Results: ")
        with open(path) as file:
            run = json.load(file)
        speed = run["results"][0]["generation"]
        self.assertIn(speed["stop_reason"], ("precision", "time-cap", "sample-cap"))
        self.assertGreater(len(speed["raw"]["duration_ms"]), 0)

    def test_details_are_the_same_screen_and_all_the_rest(self):
        model = self.synth()
        done = self.run_sweetspot("profile", model, *FAST, "--layers", "0", "--details")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("Engine", "Workload", "llama-server -m", "Analysis", "Profiles", "status"):
            self.assertIn(word, done.stdout)
        self.assertLess(done.stdout.index("llama-server -m"), done.stdout.index("Analysis"))


class SomeoneWhoseCommandFails(User):
    """What is wrong, and what do I type instead?"""

    def said(self, *typed, code):
        return self.assert_clear_sentence(self.run_sweetspot(*typed), code)

    def test_what_a_typo_is_answered_with_works(self):
        model = self.synth()
        meant = re.search("did you mean `(.*?)`", self.said("inspct", model, code=EXIT_USAGE))[1]
        typo = self.said(meant, model, "--jsn", code=EXIT_USAGE)
        option = re.search(r"did you mean (--[a-z-]+)", typo)[1]
        self.assertEqual(self.run_sweetspot(meant, model, option).returncode, 0)
        help_named = re.search(r"see sweetspot (.*?)\)", typo)[1].split()
        self.assertIn(option, self.run_sweetspot(*help_named).stdout)

    def test_a_download_that_stopped(self):
        model = self.synth()
        os.truncate(model, model.stat().st_size // 2)
        said = self.said("profile", model, code=EXIT_MODEL)
        self.assertIn("finish the download", said)
        command = re.search("`sweetspot (.*?)`", said)[1]
        self.assert_answered_by(self.screen(command, model), 1, "layers")

    def test_more_context_than_was_measured(self):
        model = self.synth()
        said = self.said("choose", model, "--min-ctx", "100000", code=EXIT_USAGE)
        self.assertIn("100000", said)
        command = re.search("sweetspot (inspect)", said)[1]
        self.assertIn("4096", self.run_sweetspot(command, model).stdout)


if __name__ == "__main__":
    main()
