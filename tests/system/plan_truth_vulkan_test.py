"""The map of every knob equals what a real load allocates: on the Vulkan software device, and on that and
an RPC device together. Skipped, and ctest says so, where there is no such device."""

import shutil
import sys
import unittest

from harness import SystemTest
from plan_truth import (EXIT_SKIPPED, HEADERS, SLICE_BLOCKS, Answer, compare, differences, make_slice,
                        placements_tested, software_vulkan, sparse_model)
from worker_client import Worker

VULKAN, WHY_NOT = software_vulkan()

TOGETHER = (
    ({"tensor_split": [1, 1]}, ({}, {"flash_attn": "off"}, {"kv_offload": False})),
    ({"tensor_split": [3, 1], "n_gpu_layers": 3}, ({}, {"n_ubatch": 128, "n_batch": 128})),
    ({"tensor_split": [1, 3], "n_cpu_ffn": 2, "load_mode": "none"}, ({},)),
    ({"split_mode": "none", "main_gpu": 0}, ({},)),
    ({"split_mode": "none", "main_gpu": 1}, ({},)),
    ({"devices": ["Vulkan0"]}, ({},)),
    ({"devices": ["RPC0"], "n_gpu_layers": 2}, ({},)),
    ({"devices": ["Vulkan0", "RPC0"], "tensor_split": [1, 1]}, ({},)),
    ({"override_tensor": [r"blk\.1\..*=Vulkan0"], "tensor_split": [1, 1]}, ({},)),
)


class PlanTruthVulkan(SystemTest):
    def test_every_knob_and_every_fixture(self):
        environment = self.environment(VULKAN)
        for name in SLICE_BLOCKS:
            model = make_slice(name, self.folder, environment)
            for answer in compare(model, placements_tested(model, "Vulkan0"), environment):
                with self.subTest(model=name, config=answer.config):
                    self.assertEqual(differences([answer]), [])
            model.path.unlink()

    def test_two_devices_share(self):
        environment = self.environment(VULKAN)
        with self.rpc_server() as address:
            for name in ("zephyr-7b", "lfm2-1.2b"):
                model = make_slice(name, self.folder, environment)
                with Worker(environment, [address]) as worker:
                    ids = sorted(device["id"] for device in worker.devices)
                self.assertEqual(ids, ["CPU", "RPC0", "Vulkan0"])
                for answer in compare(model, TOGETHER, environment, [address]):
                    with self.subTest(model=name, config=answer.config):
                        self.assertEqual(differences([answer]), [])
                model.path.unlink()

    def test_a_header_alone_says_what_the_whole_file_says(self):
        environment = self.environment(VULKAN)
        configs = [{"n_gpu_layers": layers, "n_ctx": n_ctx, "load_mode": mode}
                   for layers in (-1, 7, 0) for n_ctx in (2048, 4096) for mode in ("auto", "none")]
        for name in SLICE_BLOCKS:
            with self.subTest(model=name), Worker(environment) as worker:
                whole = self.folder / f"{name}.gguf"
                shutil.copy(HEADERS / whole.name, whole)
                sparse_model(whole, environment)
                of_header, of_whole = (worker.ask("map", path=str(path), configs=configs)["maps"]
                                       for path in (HEADERS / whole.name, whole))
                self.assertEqual(of_header, of_whole)
                self.assertTrue(all(each["memory"] for each in of_whole))
                whole.unlink()

    def test_the_comparison_can_fail(self):
        one = [{"id": "Vulkan0", "model_bytes": 1, "context_bytes": 2, "compute_bytes": 3}]
        other = [{"id": "Vulkan0", "model_bytes": 1, "context_bytes": 2, "compute_bytes": 35}]
        self.assertEqual(Answer({}, one, other, 256, 256).largest_deviation_bytes, 32)
        self.assertEqual(Answer({}, one, [], 256, 256).largest_deviation_bytes, 3)
        self.assertEqual(len(differences([Answer({}, one, other, 256, 256)])), 1)
        self.assertEqual(len(differences([Answer({}, one, one, 256, 512)])), 1)
        self.assertEqual(len(differences([Answer({}, None, one, 0, 256)])), 1)


if __name__ == "__main__":
    if VULKAN is None:
        print(f"skipped: {WHY_NOT}", file=sys.stderr)
        sys.exit(EXIT_SKIPPED)
    unittest.main()
