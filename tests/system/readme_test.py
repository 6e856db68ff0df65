"""What README and the pages beside it tell people to type: every command has its flags, snippets run, links lead somewhere."""

import os
import re
import shlex
import subprocess
import sys
import unittest

from harness import SOURCE, SWEETSPOT, SystemTest

PAGES = [SOURCE / "README.md", SOURCE / "CONTRIBUTING.md", SOURCE / "python/README.md", SOURCE / "examples/README.md",
         *sorted((SOURCE / "docs").rglob("*.md"))]
README = (SOURCE / "README.md").read_text()
MOST_LINES, MOST_LINES_BEFORE_INSTALL = 150, 30


class Readme(SystemTest):
    def setUp(self):
        super().setUp()
        for name in ("model.gguf", "other.gguf"):
            self.synth(name, "--blocks", "3", "--embd", "256", "--ff", "512", "--heads", "4", "--kv-heads", "2",
                       "--vocab", "512", "--ctx-train", "16384")

    def shell(self, line, **env):
        path = f"{SWEETSPOT.parent}:{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-c", line], cwd=self.folder, capture_output=True, text=True, timeout=120,
                              env=self.environment({"PATH": path, **env}))

    def snippets(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```", README, re.M | re.S)

    def test_it_is_short_and_says_first_what_it_is(self):
        lines = README.splitlines()
        self.assertLess(len(lines), MOST_LINES)
        self.assertLess(lines.index("## Install"), MOST_LINES_BEFORE_INSTALL)

    def test_the_shell_snippets_run(self):
        # A llama-server that says what it was given.
        (self.folder / "bin").mkdir()
        server = self.folder / "bin/llama-server"
        server.write_text('#!/bin/sh\necho "$@"\n')
        server.chmod(0o755)
        snippets = self.snippets("bash")
        self.assertGreaterEqual(len(snippets), 3)
        for snippet in snippets:
            done = self.shell(snippet)
            self.assertEqual(done.returncode, 0, snippet + done.stderr)
        self.assertIn("--n-gpu-layers", self.shell(snippets[0]).stdout)
        self.assertIn("other", (self.folder / "config.yaml").read_text())
        self.assertTrue((self.folder / "Modelfile").read_text().count("FROM"))

    def test_the_python_snippet_runs(self):
        """With a llama_cpp that says what it was given."""
        (self.folder / "llama_cpp.py").write_text("def Llama(**arguments):\n    print(sorted(arguments))\n")
        library = SWEETSPOT.parent.parent / "lib/libsweetspot.so.0"
        for snippet in self.snippets("python"):
            done = subprocess.run([sys.executable, "-B", "-c", snippet], cwd=self.folder, capture_output=True, text=True,
                                  timeout=60, env=self.environment({"PYTHONPATH": f"{SOURCE / 'python'}:{self.folder}",
                                                                    "SWEETSPOT_LIBRARY": str(library)}))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("'model_path'", done.stdout)

    def test_every_command_has_the_flags_that_are_shown(self):
        shown = re.findall(r"(?:^|\$ |`)(sweetspot [a-z]+ [^`\n#>|]*)", README, re.M)
        self.assertGreater(len(shown), 5)
        pages = {}
        for line in shown:
            words = shlex.split(line.partition(" -- ")[0])
            command = words[1]
            if command not in pages:
                done = self.run_sweetspot(command, "--help")
                self.assertEqual(done.returncode, 0, line)
                pages[command] = done.stdout
            for word in words[2:]:
                if re.match(r"--?[a-z]", word):
                    self.assertRegex(pages[command], rf"(?<![\w-]){re.escape(word)}(?![\w-])", line)

    def test_links_lead_to_files_and_headings_that_are_there(self):
        for page in PAGES:
            text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, heading = target.partition("#")
                there = (page.parent / path) if path else page
                self.assertTrue(there.exists(), f"{page}: {target}")
                if heading and there.suffix == ".md":
                    self.assertIn(heading, headings_of(there), f"{page}: {target}")


def headings_of(page):
    """As GitHub makes anchors of them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


if __name__ == "__main__":
    unittest.main()
