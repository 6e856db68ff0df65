"""On a real pseudo-terminal: the question, the progress line, colours and NO_COLOR."""

import os
import pty
import select
import signal
import subprocess
import time
import unittest

from harness import FAST, SWEETSPOT, TINY, SystemTest


class Terminal(SystemTest):
    def run_on_terminal(self, *arguments, answers=(), env=None, timeout=90, interrupt_after=None):
        """Types each answer when its prompt has appeared; returns (exit status, all output)."""
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(SWEETSPOT, [str(SWEETSPOT), *map(str, arguments)], self.environment(env))
        output, pending = b"", list(answers)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 0.2)[0]:
                continue
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            output += chunk
            if pending and output.endswith(b": "):
                os.write(master, pending.pop(0).encode() + b"\n")
            if interrupt_after and interrupt_after in output:
                os.kill(pid, signal.SIGINT)
                interrupt_after = None
        os.close(master)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), output.decode(errors="replace")

    def test_asks_when_nothing_is_given_and_explains_a_wrong_answer(self):
        model = self.synth()
        with self.rpc_server() as address:
            code, output = self.run_on_terminal("profile", model, *FAST, "--rpc", address,
                                                answers=["many", "0"])
        self.assertEqual(code, 0, output)
        for choice in ("1  adaptive", "2  quick", "3  full"):
            self.assertIn(choice, output)
        self.assertIn("many", output)
        self.assertIn("--layers", output)

    def test_enter_takes_the_adaptive_sweep(self):
        model = self.synth()
        with self.rpc_server() as address:
            code, output = self.run_on_terminal("profile", model, *FAST, "--rpc", address, "--details",
                                                answers=[""])
        self.assertEqual(code, 0, output)
        self.assertIn("Decided", output)

    def test_ctrl_c_at_the_question(self):
        model = self.synth()
        with self.rpc_server() as address:
            code, output = self.run_on_terminal("profile", model, *FAST, "--rpc", address,
                                                interrupt_after=b"[1]: ")
        self.assertEqual(code, 130, output)

    def test_does_not_ask_where_there_is_nothing_to_choose(self):
        if '"type": "gpu"' in self.run_sweetspot("devices", "--json").stdout:
            self.skipTest("this machine has a GPU")
        code, output = self.run_on_terminal("profile", self.synth(), *FAST)
        self.assertEqual(code, 0, output)
        self.assertNotIn("[1]:", output)

    def test_draws_a_live_line_and_colours(self):
        model = self.synth()
        code, output = self.run_on_terminal("profile", model, *FAST, "--layers", "0")
        self.assertEqual(code, 0, output)
        self.assertIn("\r", output)
        self.assertRegex(output, "\x1b\\[[0-9;]+m")

    def test_no_color_is_obeyed(self):
        model = self.synth()
        code, output = self.run_on_terminal("profile", model, *FAST, "--layers", "0",
                                            env={"NO_COLOR": "1"})
        self.assertEqual(code, 0, output)
        self.assertNotRegex(output, "\x1b\\[[0-9;]*m")

    def test_without_arguments_it_prints_the_short_help(self):
        done = self.run_sweetspot()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, self.run_sweetspot("-h").stdout)
        self.assertLess(len(done.stdout.splitlines()), 40)
        self.assertNotEqual(done.stdout, self.run_sweetspot("--help").stdout)

    def test_help_is_as_wide_as_80_columns_where_there_is_no_terminal(self):
        for page in (["-h"], ["--help"], ["profile", "-h"], ["profile", "--help"], ["profiles", "list", "-h"]):
            done = self.run_sweetspot(*page)
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in done.stdout.splitlines():
                if not line.startswith(("  sweetspot", "  eval")):
                    self.assertLessEqual(len(line), 80)

    def test_help_shows_examples_and_exit_codes(self):
        for command in ("profile", "tune", "plan", "devices", "inspect", "synth", "serve"):
            done = self.run_sweetspot(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn("Examples:", done.stdout)
            self.assertEqual(done.stderr, "")
        self.assertIn("Exit codes:", self.run_sweetspot("--help").stdout)
        self.assertRegex(self.run_sweetspot("--version").stdout, r"^\d+\.\d+\.\d+$")


class Locale(SystemTest):
    def shown(self, locale, *arguments):
        command = self.start_sweetspot(*arguments, env={"LC_ALL": locale}, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return command.communicate(timeout=120)[0]

    def test_what_a_locale_without_utf_8_cannot_show_is_ascii(self):
        model = self.synth("gr\u00f6\u00dfe.gguf", *TINY, "--name", "Gr\u00f6\u00dfe")
        commands = (["profile", model, *FAST, "--layers", "0"], ["profiles", "list"],
                    ["profiles", "show", model], ["choose", model], ["plan", model, "--vram-limit", "1GiB"],
                    ["inspect", model], ["devices"], ["plan", self.folder / "n\u00f6.gguf"])
        wide = 0
        for command in commands:
            with self.subTest(command=command[0]):
                told = self.shown("C", *command)
                self.assertTrue(told.isascii(), told.decode(errors="replace"))
                self.assertTrue(told)
                wide += not self.shown("C.UTF-8", *command).isascii()
        self.assertGreaterEqual(wide, 6, "the same in UTF-8 has its signs")
        told = self.shown("C", "profile", model, *FAST, "--layers", "0").decode()
        self.assertRegex(told, r"[0-9] \+-[0-9]")
        self.assertIn("\\u{00f6}", told)


if __name__ == "__main__":
    unittest.main()
