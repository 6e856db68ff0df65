"""The plan of every knob equals what a real llama-server takes: on an RPC device, on Vulkan's software device,
and on both together. The models are small, so that a server is up within a second, but for their vocabularies:
those are what a server's context is about. bench/plan_truth.py does the same for every config of plan_truth.py
on slices of well-known models."""

import unittest

import server_memory
from harness import SystemTest, TINY
from plan_truth import BASE, NO_DEVICES, Q8, Model, software_vulkan
from server_memory import LLAMA_SERVER, run_server
from worker_client import Worker

VULKAN, WHY_NOT = software_vulkan()

# One config for each knob that decides memory; what a model has of its own comes with that model.
KNOBS = (
    {},
    {"n_ubatch": 2048},
    {"n_batch": 256, "n_ubatch": 64},
    {"n_ctx": 1000},
    {"n_parallel": 4},
    {"n_parallel": 4, "kv_unified": True},
    {"flash_attn": "on", **Q8},
    {"flash_attn": "off"},
    {"kv_offload": False},
    {"n_gpu_layers": 0},
    {"n_gpu_layers": 2},
    {"n_cpu_ffn": 1},
    {"override_tensor": ["attn_(k|v).*=CPU"]},
    {"load_mode": "none"},
)
WIDE = [*TINY[:-1], "50000"]
GEOMETRIES = {
    "llama": WIDE,
    "qwen3moe": [*WIDE, "--arch", "qwen3moe", "--experts", "8", "--experts-used", "2", "--expert-ff", "256"],
    "gemma3": [*WIDE, "--arch", "gemma3", "--sliding-window", "512"],
    "lfm2": [*WIDE, "--arch", "lfm2"],
}
OF_MODEL = {
    "llama": KNOBS,
    "qwen3moe": ({}, {"n_cpu_moe": 1}, {"n_parallel": 8, "n_ubatch": 8, "n_batch": 8}),
    "gemma3": ({}, {"swa_full": True}, {"n_parallel": 4}),
    "lfm2": ({}, {"n_parallel": 4}),
}
TOGETHER = (
    {"tensor_split": [3, 1]},
    {"tensor_split": [1, 3], "n_ubatch": 128},
    {"split_mode": "none", "main_gpu": 1},
    {"devices": ["Vulkan0", "RPC0"], "tensor_split": [1, 1], "flash_attn": "off"},
)


@unittest.skipUnless(LLAMA_SERVER.exists(), "llama-server is only where the private prefix is")
class PlanTruthServer(SystemTest):
    def model(self, name):
        return Model(name, self.synth(f"{name}.gguf", *GEOMETRIES[name]), 3)

    def check(self, model, configs, environment, rpc=()):
        configs = [{**BASE, **config} for config in configs]
        with Worker(environment, rpc) as worker:
            devices = {device["id"] for device in worker.devices} - {"CPU"}
            maps = worker.ask("map", path=str(model.path), configs=configs)["maps"]
        for config, planned in zip(configs, maps, strict=True):
            # Once with the server's warm-up, which could make buffers grow; it takes most of the time.
            extra = [] if config == configs[0] else ["--no-warmup"]
            with self.subTest(model=model.name, config=config):
                taken = run_server(model.path, config, environment, devices, rpc, extra=extra)
                self.assertTrue(taken.at_end, taken.log[-3000:])
                self.assertEqual(taken.outputs, config.get("n_parallel", 1))
                self.assertEqual(server_memory.differences(planned["memory"], taken), [])

    def test_on_an_rpc_device(self):
        environment = self.environment(NO_DEVICES)
        with self.rpc_server() as address:
            for name, configs in OF_MODEL.items():
                self.check(self.model(name), configs, environment, [address])

    @unittest.skipIf(VULKAN is None, WHY_NOT)
    def test_on_a_vulkan_device_and_on_two(self):
        environment = self.environment(VULKAN)
        model = self.model("llama")
        self.check(model, ({}, {"n_gpu_layers": 2, "n_ubatch": 128}), environment)
        with self.rpc_server() as address:
            self.check(model, TOGETHER, environment, [address])

    def test_other_programs_take_what_libllama_reserves(self):
        model = self.model("llama").path
        with Worker(self.environment(NO_DEVICES)) as worker:
            of_server, of_libllama = worker.ask(
                "map", path=str(model),
                configs=[{**BASE, "host_program": program} for program in ("llama-server", "libllama")])["maps"]
        more = of_libllama["memory"][0]["compute_bytes"] - of_server["memory"][0]["compute_bytes"]
        self.assertGreater(more, 0.9 * 512 * 50000 * 4 / 4)

    def test_the_comparison_can_fail(self):
        log = ("load: RPC0[127.0.0.1:1] model buffer size = 1.00 MiB\n"
               "sched: RPC0[127.0.0.1:1] compute buffer size = 2.00 MiB\n"
               "common_memory_breakdown_print: | - RPC0 (x) | 9 = 1 + (3 = 1 + 0 + 2) + 5 |\n")
        taken = server_memory.taken_from(log, {"RPC0"})
        exact = {"id": "RPC0", "model_bytes": 1 << 20, "context_bytes": 0, "compute_bytes": 2 << 20}
        self.assertEqual(server_memory.differences([exact], taken), [])
        for kind in ("model_bytes", "context_bytes", "compute_bytes"):
            other = {**exact, kind: exact[kind] + (1 << 15)}
            self.assertEqual(len(server_memory.differences([other], taken)), 1, kind)
        self.assertEqual(len(server_memory.differences([exact, {**exact, "id": "CPU"}], taken)), 3)


if __name__ == "__main__":
    unittest.main()
