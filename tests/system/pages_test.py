"""Man pages and completions as they are built and installed: each flag of --help is in them, and bash completes."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import BIN, SystemTest

SHARE = BIN.parent / "share"
COMMANDS = ["profile", "tune", "plan", "choose", "launch", "devices", "inspect", "synth", "serve"]
FILES = {"bash": "bash-completion/completions/sweetspot", "zsh": "zsh/site-functions/_sweetspot",
         "fish": "fish/vendor_completions.d/sweetspot.fish"}


class Pages(SystemTest):
    def flags_of(self, command):
        """As --help lists them: at the head of a line."""
        shown = self.run_sweetspot(command, "--help").stdout
        entries = re.findall(r"^  (-.*)$", shown, re.MULTILINE)
        return {flag for entry in entries for flag in re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", entry.split("  ")[0])}

    def test_each_flag_of_the_help_is_in_the_man_page_and_in_each_completion(self):
        texts = {shell: (SHARE / path).read_text() for shell, path in FILES.items()}
        for command in COMMANDS:
            flags = self.flags_of(command)
            self.assertIn("--help", flags)
            page = (SHARE / f"man/man1/sweetspot-{command}.1").read_text().replace("\\-", "-")
            for flag in flags:
                with self.subTest(command=command, flag=flag):
                    self.assertIn(f"\\fB{flag}\\fR", page)
                    self.assertIn(flag, texts["bash"])
                    self.assertIn(f"'{flag}[", texts["zsh"])
                    self.assertRegex(texts["fish"], r" -[ls] " + re.escape(flag.lstrip("-")) + r"\b")

    def test_they_are_installed(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["cmake", "--install", str(BIN.parent), "--component", "programs", "--prefix", folder],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            for path in [*FILES.values(), "man/man1/sweetspot.1", "man/man1/sweetspot-profile.1"]:
                self.assertTrue((pathlib.Path(folder) / "share" / path).is_file(), path)

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = (f"source {SHARE / FILES['bash']}; COMP_WORDS=(sweetspot {' '.join(map(repr, words))}); "
                  f"COMP_CWORD={len(words)}; _sweetspot; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=self.folder, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_bash_completes_commands_flags_choices_and_files(self):
        self.assertEqual(self.complete("pro"), ["profile", "profiles"])
        self.assertIn("--ctx-size", self.complete("profile", "--c"))
        self.assertNotIn("--workload", self.complete("profile", "--w"))
        self.assertIn("--workload", self.complete("tune", "--w"))
        self.assertEqual(self.complete("profiles", "sh"), ["show"])
        self.assertEqual(self.complete("tune", "m.gguf", "--workload", "c"), ["chat", "code"])
        (self.folder / "model.gguf").touch()
        self.assertEqual(self.complete("profile", "mod"), ["model.gguf"])

    def test_the_shells_read_them(self):
        for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
            if shutil.which(shell):
                done = subprocess.run([*check, str(SHARE / FILES[shell])], capture_output=True, text=True, timeout=20)
                self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    def test_man_formats_them_without_a_warning(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not here")
        for page in sorted((SHARE / "man/man1").glob("*.1")):
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", str(page)], capture_output=True, text=True, timeout=20)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)


if __name__ == "__main__":
    unittest.main()
