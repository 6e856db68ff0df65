"""What `map` says, held against what a real load of the same config allocates.

The models are slices of the header fixtures: true to the width of every tensor, with as few blocks as the
question needs, and sparse (only what is allocated counts, so the weights may all be zero).
"""

import dataclasses
import itertools
import json
import os
import pathlib
import subprocess

from harness import BIN, EXIT_SKIPPED, LLAMA_PROGRAMS, NO_DEVICES, SOURCE, SWEETSPOT
from worker_client import Refused, Worker

HEADERS = SOURCE / "tests" / "fixtures" / "headers"

# Blocks of a slice: some hundred MiB of them. Gemma's sixth block is the first without a window; lfm2's
# third is the first with attention.
SLICE_BLOCKS = {
    "zephyr-7b": 2,
    "llama-2-13b": 2,
    "llama-2-70b": 1,
    "mixtral-8x7b": 1,
    "qwen3-30b-a3b": 1,
    "gemma-3-12b": 6,
    "lfm2-1.2b": 4,
}
# Each architecture meets every knob on one kind of device, and the contexts of a whole offload on the other: loads of all
# knobs of all models on both take minutes of processor time, and what a knob does to an architecture is the same on both.
EVERY_KNOB = {"RPC0": ("zephyr-7b", "gemma-3-12b", "lfm2-1.2b"),
              "Vulkan0": ("llama-2-13b", "mixtral-8x7b", "qwen3-30b-a3b")}
EXPERTS = ("mixtral-8x7b", "qwen3-30b-a3b")
SLIDING_WINDOW = ("gemma-3-12b",)

# What the software driver has translated: a minute of work for a model of three blocks, kept for all tests.
SHADERS = BIN.parent / "shaders"
SOFTWARE_DRIVERS = (SOURCE / ".deps/llama/usr/share/vulkan/icd.d", pathlib.Path("/usr/share/vulkan/icd.d"))

BASE = {"n_ctx": 2048}
Q8 = {"type_k": "q8_0", "type_v": "q8_0"}

CONTEXTS = (
    {},
    {"n_ctx": 1000},  # llama.cpp rounds it
    {"n_ctx": 8192},
    {"n_batch": 256, "n_ubatch": 64},
    {"n_batch": 1024, "n_ubatch": 768},
    {"flash_attn": "on", **Q8},
    {"flash_attn": "on", "type_k": "q4_0", "type_v": "q5_1"},
    {"flash_attn": "off"},
    {"flash_attn": "off", "type_k": "q8_0"},
    {"flash_attn": "off", **Q8},  # llama.cpp refuses it
    {"n_parallel": 4},
    {"n_parallel": 4, "kv_unified": True},
    {"kv_offload": False},
)
FEW_CONTEXTS = ({}, {"flash_attn": "off", "n_ubatch": 128}, {"kv_offload": False, "n_parallel": 2})
SLIDING_WINDOW_CONTEXTS = ({"swa_full": True}, {"swa_full": True, "n_parallel": 4})


@dataclasses.dataclass(frozen=True)
class Model:
    name: str
    path: pathlib.Path
    n_layer: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """One config: what was planned and what a load really took; a refusal is None."""

    config: dict
    planned: list | None
    real: list | None
    planned_n_ctx: int
    real_n_ctx: int

    @property
    def equal(self):
        return self.planned == self.real and self.planned_n_ctx == self.real_n_ctx

    @property
    def largest_deviation_bytes(self):
        """Over every device and kind."""
        figures = [{(entry["id"], kind): entry[kind] for entry in side or [] for kind in entry
                    if kind.endswith("_bytes")} for side in (self.planned, self.real)]
        return max((abs(figures[0].get(key, 0) - figures[1].get(key, 0))
                    for key in figures[0].keys() | figures[1].keys()), default=0)


def software_vulkan():
    """The environment in which Mesa's software driver is the only Vulkan device, or None and why not."""
    for driver in (file for folder in SOFTWARE_DRIVERS for file in sorted(folder.glob("lvp_icd*.json"))):
        settings = {**NO_DEVICES, "VK_DRIVER_FILES": str(driver), "GGML_VK_VISIBLE_DEVICES": "0",
                    "MESA_SHADER_CACHE_DIR": str(SHADERS)}
        with Worker({**os.environ, **settings}) as worker:
            if "Vulkan" not in worker.engine["backends"]:
                return None, "this llama.cpp has no Vulkan backend"
            if any(device["id"] == "Vulkan0" for device in worker.devices):
                return settings, ""
    return None, "no software Vulkan driver works here; scripts/setup-llama.sh --with-vulkan brings one"


def sparse_model(path, environment):
    """Gives a file that holds only a header the length that it has with its weights."""
    with Worker(environment) as worker:
        info = worker.ask("inspect", path=str(path), header_only=True)["model"]
    os.truncate(path, path.stat().st_size + info["size_bytes"])
    return info


def make_slice(name, folder, environment):
    path = folder / f"{name}-slice.gguf"
    subprocess.run([SWEETSPOT, "synth", path, "--like", HEADERS / f"{name}.gguf", "--blocks",
                    str(SLICE_BLOCKS[name]), "--header-only"], check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    return Model(name, path, sparse_model(path, environment)["n_layer"])


def placements(model, device):
    """Every knob of a placement, each with the contexts that are made in it. Where the output's weights
    do not matter they stay on the CPU: they are what takes longest to load."""
    name, all_layers = model.name, model.n_layer + 1
    on_cpu = "n_cpu_moe" if name in EXPERTS else "n_cpu_ffn"
    window = SLIDING_WINDOW_CONTEXTS if name in SLIDING_WINDOW else ()
    no_output = ["^(output|token_embd).*=CPU"]
    yield {}, CONTEXTS + window
    yield {"n_gpu_layers": 0}, FEW_CONTEXTS + window
    yield {"n_gpu_layers": 1}, FEW_CONTEXTS
    if model.n_layer > 1:
        yield {"n_gpu_layers": (all_layers + 1) // 2}, FEW_CONTEXTS + window
        yield {on_cpu: 1, "override_tensor": no_output}, ({},)
    yield {on_cpu: model.n_layer, "n_gpu_layers": model.n_layer, "override_tensor": no_output,
           "load_mode": "mmap"}, FEW_CONTEXTS
    yield {"override_tensor": ["(ffn|output|token_embd|shortconv).*=CPU"],
           "load_mode": "none"}, FEW_CONTEXTS
    yield {"override_tensor": ["attn_(k|v).*=CPU", *no_output], on_cpu: model.n_layer,
           "devices": [device]}, ({},)
    yield {"load_mode": "none", "n_gpu_layers": 0}, ({},)
    yield {"load_mode": "mmap", "n_gpu_layers": 0}, ({},)


def placements_tested(model, device):
    """All of them where the model meets every knob on this device, else the whole offload."""
    return itertools.islice(placements(model, device), None if model.name in EVERY_KNOB[device] else 1)


def compare(model, matrix, environment, rpc=()):
    """An Answer for each config. All are mapped in one request; each placement has a worker of its own."""
    pairs = [(placement, [{**BASE, **placement, **context} for context in contexts])
             for placement, contexts in matrix]
    with Worker(environment, rpc) as worker:
        maps = iter(worker.ask("map", path=str(model.path), configs=[
            config for _, configs in pairs for config in configs])["maps"])
    for _, configs in pairs:
        with Worker(environment, rpc) as worker:
            worker.ask("load", path=str(model.path), config=configs[0], slice=None)
            for config in configs:
                planned = next(maps)
                try:
                    real = worker.ask("context", config=config)
                except Refused:
                    real = {"memory": None, "effective": {"n_ctx": 0}}
                yield Answer(config, planned["memory"] or None, real["memory"], planned["n_ctx"],
                             real["effective"]["n_ctx"])


FIT_PARAMS = LLAMA_PROGRAMS / "llama-fit-params"
VALUE_FLAGS = {"n_gpu_layers": "-ngl", "n_ctx": "-c", "n_batch": "-b", "n_ubatch": "-ub", "type_k": "-ctk",
               "type_v": "-ctv", "flash_attn": "-fa", "n_parallel": "-np", "n_cpu_moe": "-ncmoe",
               "n_cpu_ffn": "-ncffn", "override_tensor": "-ot", "tensor_split": "-ts",
               "devices": "-dev", "load_mode": "-lm", "split_mode": "-sm", "main_gpu": "-mg"}
SWITCH_FLAGS = {("kv_offload", False): ["-nkvo"], ("kv_unified", True): ["-kvu"],
                ("swa_full", True): ["--swa-full"]}


def llama_flags(path, config, rpc=()):
    """The config as llama.cpp's programs take it."""
    flags = ["-m", str(path)]
    if rpc:
        flags += ["--rpc", ",".join(rpc)]
    for knob, value in {"n_parallel": 1, **config}.items():
        if knob == "host_program":
            continue  # the program is what it is
        if isinstance(value, bool):
            flags += SWITCH_FLAGS.get((knob, value), [])
        elif isinstance(value, list):
            flags += [VALUE_FLAGS[knob], ",".join(map(str, value))]
        else:
            flags += [VALUE_FLAGS[knob], str(value)]
    return flags


def fit_params(path, config, environment, rpc=()):
    """What llama-fit-params prints: MiB of weights, cache and compute for each device."""
    done = subprocess.run([FIT_PARAMS, "--fit-print", "on", *llama_flags(path, config, rpc)],
                          env=environment, check=True, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60)
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    return {device: [int(figure) for figure in figures] for device, *figures in lines}


def in_mib(memory):
    """Our figures as llama-fit-params prints them: whole MiB, rounded down, and of the weights on the host
    only those that are not repacked (with mmap, those that are mapped)."""
    mib = 1 << 20
    return {"Host" if entry["id"] == "CPU" else entry["id"]:
            [entry["mapped_bytes" if entry["id"] == "CPU" else "model_bytes"] // mib,
             entry["context_bytes"] // mib, entry["compute_bytes"] // mib] for entry in memory}


def differences(answers):
    """One line for each config that was not planned as it came."""
    return [f"{json.dumps(each.config)}\n  planned {json.dumps(each.planned)} {each.planned_n_ctx}"
            f"\n  real    {json.dumps(each.real)} {each.real_n_ctx}"
            for each in answers if not each.equal]
