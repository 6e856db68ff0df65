"""Our map against what llama.cpp's own llama-fit-params prints for the same arguments.

With one device every figure of every header in full size is the same. With two devices llama-fit-params
sizes one graph of three, and its compute figure can be another; whatever differs there is put before the
judge that counts, a real load.
"""

import shutil
import unittest

from harness import SystemTest
from plan_truth import (BASE as USUAL, EXPERTS, FIT_PARAMS, HEADERS, NO_DEVICES, SLICE_BLOCKS, compare,
                        differences, fit_params, in_mib, make_slice, software_vulkan, sparse_model)
from worker_client import Worker

VULKAN, WHY_NOT = software_vulkan()
# llama-fit-params makes its context with libllama's defaults, whatever program will load the model.
BASE = {**USUAL, "host_program": "libllama"}
Q8 = {"type_k": "q8_0", "type_v": "q8_0", "flash_attn": "on"}
CONTEXTS = ({}, {"flash_attn": "off"}, Q8, {"n_batch": 256, "n_ubatch": 128}, {"kv_offload": False},
            {"n_parallel": 4}, {"n_ctx": 1000})


def configs_of(name, n_layer):
    on_cpu = "n_cpu_moe" if name in EXPERTS else "n_cpu_ffn"
    for context in CONTEXTS:
        yield {**BASE, "n_gpu_layers": n_layer + 1, **context}
    for placement in ({"n_gpu_layers": 0}, {"n_gpu_layers": 1}, {"n_gpu_layers": n_layer // 2},
                      {"n_gpu_layers": n_layer + 1, on_cpu: n_layer // 2},
                      {"n_gpu_layers": n_layer, "override_tensor": ["attn_(k|v).*=CPU"]}):
        yield {**BASE, **placement}


@unittest.skipUnless(FIT_PARAMS.exists(), "llama-fit-params is only where the private prefix is")
class PlanFitParams(SystemTest):
    def check_full_size(self, environment, rpc=()):
        for name in SLICE_BLOCKS:
            whole = self.folder / f"{name}.gguf"
            shutil.copy(HEADERS / whole.name, whole)
            configs = list(configs_of(name, sparse_model(whole, environment)["n_layer"]))
            with Worker(environment, rpc) as worker:
                maps = worker.ask("map", path=str(whole), configs=configs)["maps"]
            for config, planned in zip(configs, maps, strict=True):
                with self.subTest(model=name, config=config):
                    self.assertEqual(in_mib(planned["memory"]),
                                     fit_params(whole, config, environment, rpc))
            whole.unlink()

    @unittest.skipIf(VULKAN is None, WHY_NOT)
    def test_full_size_on_a_vulkan_device(self):
        self.check_full_size(self.environment(VULKAN))

    def test_full_size_on_an_rpc_device(self):
        with self.rpc_server() as address:
            self.check_full_size(self.environment(NO_DEVICES), [address])

    @unittest.skipIf(VULKAN is None, WHY_NOT)
    def test_where_two_devices_differ_a_real_load_agrees_with_us(self):
        environment = self.environment(VULKAN)
        others = 0
        with self.rpc_server() as address:
            for name in ("zephyr-7b", "lfm2-1.2b"):
                model = make_slice(name, self.folder, environment)
                matrix = [({**BASE, "tensor_split": [1, 1], "n_gpu_layers": model.n_layer + 1}, CONTEXTS)]
                # All first: the server has one client at a time.
                for answer in list(compare(model, matrix, environment, [address])):
                    with self.subTest(model=name, config=answer.config):
                        self.assertEqual(differences([answer]), [])
                        ours = in_mib(answer.real)
                        theirs = fit_params(model.path, answer.config, environment, [address])
                        self.assertEqual(ours.keys(), theirs.keys())
                        for device in ours:  # weights and cache
                            self.assertEqual(ours[device][:2], theirs[device][:2])
                        others += ours != theirs
                model.path.unlink()
        self.assertGreater(others, 0, "llama-fit-params is always right: the correction of "
                           "src/worker/exact_reserve.hpp has nothing left to do")


if __name__ == "__main__":
    unittest.main()
