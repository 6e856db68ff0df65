"""examples/choose.c on a card that a scripted driver tells of."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import profile_sets  # noqa: E402
from harness import GIB, SystemTest  # noqa: E402

PCI = "0000:01:00.0"


class Choose(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "model.gguf"
        self.model.write_bytes(b"GGUF, as far as the key of a model goes")
        card = self.folder / "root/sys/bus/pci/devices" / PCI
        (card / "power").mkdir(parents=True)
        for name, content in (("vendor", "0x10de"), ("class", "0x030000"), ("power/runtime_status", "active")):
            (card / name).write_text(content + "\n")

    def choose(self, free):
        (self.folder / "nvml.json").write_text(json.dumps({"driver_version": "550.54", "gpus": [{
            "pci": "0000" + PCI, "name": "Card", "uuid": "GPU-1",
            "memory": {"total": 6 * GIB, "free": free, "used": 6 * GIB - free, "reserved": 0}}]}))
        env = {name: text for name, text in self.environment().items()
               if not name.startswith(("GGML_", "CUDA_", "HIP_", "ROCR_", "VK_", "LLAMA_", "OMP_", "NVIDIA_"))}
        env.update(SWEETSPOT_NVML_LIBRARY=os.environ["FAKE_NVML_LIBRARY"],
                   FAKE_NVML_SCRIPT=str(self.folder / "nvml.json"), SWEETSPOT_SYSFS_ROOT=str(self.folder / "root"))
        done = subprocess.run([os.environ["CHOOSE_EXAMPLE"], self.model, self.folder / "data/sweetspot"], env=env,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_stored_set(self):
        card = profile_sets.device("CUDA0", backend="CUDA", description="Card", pci_bus_id=PCI, uuid="GPU-1",
                                   memory_total_bytes=6 * GIB)
        large = {"n_ctx": 4096}
        profile_sets.store(self.folder / "data", self.model, [card], [
            ("performance", 12, {"CUDA0": 4 * GIB}, large), ("fast", 4, {"CUDA0": 2 * GIB}, large),
            ("cpu_fallback", 0, {}, large)])
        said = self.choose(5 * GIB)
        self.assertIn("performance: --n-gpu-layers 12 --ctx-size 4096 --batch-size 128 --ubatch-size 128", said)
        self.assertIn("32.5 tokens/s (32.2 to 32.8)", said)
        self.assertIn("if that fails: fast (4 layers)\n  if that fails: cpu_fallback (0 layers)\n", said)
        self.assertIn("\nfast: --n-gpu-layers 4", self.choose(3 * GIB + GIB // 2))

    def test_nothing_stored(self):
        said = self.choose(5 * GIB)
        self.assertIn("balanced: --n-gpu-layers 30", said)
        self.assertIn("speed unknown: not measured", said)


if __name__ == "__main__":
    unittest.main()
