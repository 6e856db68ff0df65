"""The files in packaging/: read by the programs that they are for where these are here, and what they start is started
as those programs would."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import unittest
import urllib.request

import yaml

from harness import LLAMA_PROGRAMS, SOURCE, SWEETSPOT, SystemTest, free_port

PACKAGING = SOURCE / "packaging"


class Recipes(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.synth("a model.gguf", "--blocks", "3", "--embd", "256", "--ff", "512", "--heads", "4",
                                "--kv-heads", "2", "--vocab", "512", "--ctx-train", "32768")

    def serves(self, words, port, env=None):
        """Starts the words as they are, waits for a healthy server, and ends it as a supervisor would."""
        path = f"{LLAMA_PROGRAMS}:{SWEETSPOT.parent}:{os.environ['PATH']}"
        process = subprocess.Popen(words, cwd=self.folder, env=self.environment({"PATH": path, **(env or {})}),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            deadline = time.monotonic() + 120
            while not self.is_healthy(port):
                self.assertIsNone(process.poll(), process.stdout.read() if process.poll() is not None else "")
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.2)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assert_nothing_is_left()

    def is_healthy(self, port):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return json.load(answer)["status"] == "ok"
        return False

    # ---- llama-swap

    def test_llama_swaps_commands_start_a_server(self):
        config = yaml.safe_load((PACKAGING / "llama-swap/config.yaml").read_text())
        self.assertEqual(set(config), {"healthCheckTimeout", "models"})
        for entry in config["models"].values():
            port = free_port()
            words = shlex.split(entry["cmd"].replace("${PORT}", str(port)))
            self.assertEqual(words[0], "sweetspot")
            words[words.index("--model") + 1] = str(self.model)
            self.serves(words, port)

    def test_the_page_shows_the_same_commands(self):
        shown = (SOURCE / "docs/recipes.md").read_text()
        [snippet] = re.findall(r"^```yaml\n(.*?)^```", shown, re.M | re.S)
        whole = yaml.safe_load((PACKAGING / "llama-swap/config.yaml").read_text())
        for name, entry in yaml.safe_load(snippet)["models"].items():
            self.assertEqual(entry, whole["models"][name])

    # ---- systemd

    def unit(self):
        text = (PACKAGING / "systemd/sweetspot@.service").read_text()
        return text, dict(re.findall(r"^(\w+)=(.*)$", text, re.M))

    def test_systemd_reads_the_unit(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        (self.folder / ".local/bin").mkdir(parents=True)
        (self.folder / ".local/bin/sweetspot").symlink_to(SWEETSPOT)
        (self.folder / "run").mkdir()
        unit = self.folder / "sweetspot@chat.service"
        shutil.copy(PACKAGING / "systemd/sweetspot@.service", unit)
        env = self.environment({"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder / "run")})

        def verify():
            return subprocess.run(["systemd-analyze", "--user", "verify", unit], capture_output=True, text=True,
                                  env=env, timeout=60)

        done = verify()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(unit.name, done.stderr)  # no unknown setting, nothing ignored
        unit.write_text(unit.read_text().replace("KillMode=", "KilMode="))
        self.assertIn("KilMode", verify().stderr)

    def test_the_units_command_starts_a_server(self):
        _, settings = self.unit()
        port = free_port()
        values = {"SWEETSPOT_LAUNCH_OPTIONS": f"--port {port} --no-probe", "SWEETSPOT_MODEL": str(self.model)}
        words = []
        for word in settings["ExecStart"].split():
            if re.fullmatch(r"\$\w+", word):  # systemd splits these, and not those in braces
                words += values[word[1:]].split()
            else:
                words.append(re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], word))
        self.assertEqual(words[0], "%h/.local/bin/sweetspot")
        self.serves([str(SWEETSPOT), *words[1:]], port)

    # ---- Docker

    def test_the_composed_command_is_one(self):
        service = yaml.safe_load((PACKAGING / "docker/compose.yaml").read_text())["services"]["llama"]
        words = service["command"]
        words[words.index("--model") + 1] = str(self.model)
        words[words.index("0.0.0.0")] = "127.0.0.1"
        port = words[words.index("--port") + 1]
        self.assertEqual(service["ports"], [f"127.0.0.1:{port}:{port}"])
        done = self.run_sweetspot(*words, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"--port {port}", done.stdout)
        self.assertIn("/data", [mount.split(":")[1] for mount in service["volumes"]])
        self.assertRegex((PACKAGING / "docker/Dockerfile").read_text(), r"(?m)^ENV XDG_DATA_HOME=/data$")

    def test_compose_reads_the_file(self):
        path = PACKAGING / "docker/compose.yaml"
        have = shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True)
        if not have or have.returncode != 0:
            self.skipTest("docker compose is not installed")
        done = subprocess.run(["docker", "compose", "-f", path, "config", "--quiet"], capture_output=True, text=True,
                              timeout=60, env=self.environment())
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
