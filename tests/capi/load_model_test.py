"""examples/load_model.cpp loads real models with the real llama.cpp: by default profiles, by a stored set, one rung
lower where a load fails."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import profile_sets  # noqa: E402
from harness import BIN, MIB, SystemTest  # noqa: E402
from plan_truth import software_vulkan  # noqa: E402

LOAD_MODEL = BIN / "load_model"
VULKAN, WHY_NOT = software_vulkan()


class LoadModel(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.synth()

    def store(self, devices, profiles):
        profile_sets.store(self.folder / "data", self.model, devices, profiles)

    def load(self, env=None):
        """What it says that it loaded."""
        done = subprocess.run([LOAD_MODEL, self.model, self.folder / "data/sweetspot"], capture_output=True, text=True,
                              timeout=60, env=self.environment(env))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        [line] = done.stdout.splitlines()
        self.stderr = done.stderr
        return json.loads(line)

    def reports(self):
        [path] = (self.folder / "data/sweetspot/profiles").glob("*.json")
        return [(report["profile"], report["result"]) for report in json.loads(path.read_text())["reports"]]

    def check(self, loaded, **expected):
        self.assertEqual({key: loaded[key] for key in expected}, expected, self.stderr)
        self.assertIn(loaded["token"], range(512))  # of TINY's vocabulary

    def test_defaults(self):
        loaded = self.load()
        self.check(loaded, profile="cpu_fallback", origin=2, failed=0, n_gpu_layers=0, n_ctx=2048, n_batch=128)
        self.assertGreater(loaded["n_threads"], 0)
        self.assertEqual(self.reports(), [("cpu_fallback", "loaded")])

    def test_a_set_that_was_measured(self):
        done, _ = self.profile(self.model, "--layers", "0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check(self.load(), origin=0, failed=0, n_gpu_layers=0, n_ctx=256, n_batch=64, n_ubatch=64, n_threads=1)

    def test_every_setting_reaches_llama_cpp(self):
        config = {"n_ctx": 1024, "n_batch": 256, "n_ubatch": 64, "n_parallel": 2, "n_threads": 2, "kv_unified": True,
                  "type_k": "q8_0", "type_v": "q8_0", "flash_attn": "on", "swa_full": True,
                  "override_tensor": [r"blk\.0\..*=CPU"], "n_cpu_ffn": 1}
        modes = {"auto": "auto", "none": "none", "mmap": "mmap", "mlock": "mlock", "mmap+mlock": "mmap+mlock",
                 "dio": "dio"}
        for mode, name in modes.items():
            self.store([], [("cpu_fallback", 0, {}, {**config, "load_mode": mode})])
            self.check(self.load(), n_ctx=1024, n_batch=256, n_ubatch=64, n_seq_max=2, n_threads=2, overrides=2,
                       load_mode=name)
            for said in ("K (q8_0)", "V (q8_0)"):
                self.assertIn(said, self.stderr)
            self.assertRegex(self.stderr, r"flash_attn += enabled")
            self.assertRegex(self.stderr, r"kv_unified += true")

    @unittest.skipIf(VULKAN is None, WHY_NOT)
    def test_on_a_device_one_rung_lower_and_the_next_time_at_once(self):
        found = json.loads(self.run_sweetspot("devices", "--json", env=VULKAN).stdout)["devices"]
        [seen] = [device for device in found if device["id"] == "Vulkan0"]
        card = profile_sets.device("Vulkan0", backend="Vulkan", description=seen["description"])
        refused = {"type_v": "q8_0", "flash_attn": "off"}
        self.store([card], [("performance", 4, {"Vulkan0": 60 * MIB}, refused), ("fast", 2, {"Vulkan0": 50 * MIB}),
                            ("cpu_fallback", 0, {})])
        for _ in range(2):  # one crash may be an accident
            self.check(self.load(VULKAN), profile="fast", failed=1, n_gpu_layers=2)
            self.assertRegex(self.stderr, r"offloaded 2/\d+ layers")
        self.assertEqual(self.reports(), [("performance", "crashed"), ("fast", "loaded")] * 2)
        self.check(self.load(VULKAN), profile="fast", failed=0, n_gpu_layers=2)

    def test_nothing_can_be_loaded(self):
        self.store([], [("cpu_fallback", 0, {}, {"type_v": "q8_0", "flash_attn": "off"})])
        done = subprocess.run([LOAD_MODEL, self.model, self.folder / "data/sweetspot"], capture_output=True, text=True,
                              timeout=60, env=self.environment())
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cpu_fallback: llama.cpp made no context", done.stderr)
        self.assertEqual(self.reports(), [("cpu_fallback", "crashed")])

    def test_no_model(self):
        done = subprocess.run([LOAD_MODEL, self.folder / "none.gguf"], capture_output=True, text=True, timeout=60,
                              env=self.environment())
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("none.gguf", done.stderr)


if __name__ == "__main__":
    unittest.main()
