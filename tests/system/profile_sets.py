"""Stored profile sets for tests: the golden one with other devices and profiles."""

import copy
import json
import pathlib

from harness import MIB, SOURCE

GOLDEN = SOURCE / "tests/golden/profiles_measured.json"


def fnv1a(*parts):
    """src/store/profile_set_place.cpp: each part behind its length."""
    state = 0xcbf29ce484222325
    for part in parts:
        for byte in str(len(part)).encode() + b":" + part:
            state = (state ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return state


def model_digest(model):
    data = model.read_bytes()
    return f"{fnv1a(str(len(data)).encode(), data[:65536], data[-65536:]):016x}"


def device(name, **fields):
    made = {"id": name, "description": name, "backend": "RPC", "pci_bus_id": None, "uuid": None,
            "driver_version": None, "memory_total_bytes": None, "memory_free_bytes": None,
            "power_limit_w": None, **fields}
    made["absent"] = {key: "not known" for key, value in made.items() if value is None}
    return made


def profile(like, name, layers, needs, config=None):
    """`needs`: bytes by device."""
    made = copy.deepcopy(like)
    taken = [{"device": key, "bytes": value} for key, value in needs.items()]
    made.update(name=name, needs=taken, libllama_needs=taken, host_bytes=MIB, libllama_host_bytes=MIB)
    made["config"].update(n_gpu_layers=layers, devices=["none"] if name == "cpu_fallback" else [], **{"n_ctx": 512, "n_batch": 128, "n_ubatch": 128,
                                                  "n_threads": 1, **(config or {})})
    return made


def store(data_folder, model, devices, profiles, rpc=()):
    """Writes the set where `launch` looks for it; gives its path. `profiles`: (name, layers,
    needs, config)."""
    made = json.loads(GOLDEN.read_text())
    like = made["profiles"][0]
    made["model"].update(path=str(model), size_bytes=model.stat().st_size, digest=model_digest(model))
    made["fingerprint"].update(model="", llama_cpp="", cpu="", environment=[])
    made.update(devices=devices, rpc=list(rpc), reports=[],
                profiles=[profile(like, *each) for each in profiles])
    machine = pathlib.Path("/etc/machine-id").read_text().split()[0].encode()
    digest = fnv1a(machine, *(endpoint.encode() for endpoint in rpc)) >> 32
    path = data_folder / "sweetspot/profiles" / f"{made['model']['digest']}-{digest:08x}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made))
    return path
