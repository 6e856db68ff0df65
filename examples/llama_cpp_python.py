"""Which settings may llama-cpp-python load a model with on this machine now? libsweetspot through ctypes.

    with GpuManager() as gpus:
        print(gpus.detect_gpu())
        llm, profile = gpus.load_with_fallback("model.gguf")

Run as a program it prints what it would load: python3 llama_cpp_python.py MODEL.gguf [DATA_FOLDER]

The library is $SWEETSPOT_LIBRARY, else libsweetspot.so.0 where the system finds libraries. Nothing but Python's
standard library and sweetspot_ctypes.py is needed; llama_cpp is imported where no other loader is given. What nobody
could read is None, and "absent" says why. llama-cpp-python offloads to every device that it sees
(CUDA_VISIBLE_DEVICES and its kin choose).
"""

import contextlib
import json
import os
import sys
from ctypes import byref, c_int32

from sweetspot_ctypes import (CRASHED, LOADED, ORIGINS, OUT_OF_MEMORY, UNKNOWN, ChoiceInfo, Device, Library, Options,
                              Profile, Report, Requirements, SweetspotError, Text, text)

GGML_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20, "bf16": 30}


def device_status(device):
    status = {"absent": {}}
    for name, kind in Device._fields_[1:]:
        field = getattr(device, name)
        if kind is c_int32:
            status[name] = bool(field)
        elif field.absent is not None:
            status[name], status["absent"][name] = None, text(field.absent)
        else:
            status[name] = text(field.value) if kind is Text else field.value
    return status


def cannot_be_said(profile):
    """Why llama-cpp-python would lay other weights on the device than the profile does; None: it would not."""
    if profile.all_override_tensor_count > 0 and not profile.cpu_only:
        return "llama-cpp-python cannot keep single tensors on the CPU, and would take more GPU memory"
    return None


def unsaid(profile):
    """What the profile asks for, llama-cpp-python cannot be told, and costs no GPU memory that was not counted."""
    notes = [f"llama-cpp-python cannot be told n_parallel = {profile.n_parallel}"] if profile.n_parallel > 1 else []
    notes += ["llama-cpp-python cannot be told kv_unified"] if profile.kv_unified else []
    notes += ["llama-cpp-python cannot be told to read with direct I/O"] if profile.load_mode == b"dio" else []
    notes += [f"llama-cpp-python knows no cache type {text(name)}" for name in (profile.type_k, profile.type_v)
              if text(name) not in GGML_TYPES]
    return notes


def llama_arguments(profile):
    """Keyword arguments of llama_cpp.Llama(); what llama.cpp or the machine decides is left out."""
    mode = text(profile.load_mode)
    arguments = {name: getattr(profile, name)
                 for name in ("n_gpu_layers", "split_mode", "main_gpu", "n_ctx", "n_batch", "n_ubatch")}
    arguments |= {name: getattr(profile, name) for name in ("n_threads", "n_threads_batch") if getattr(profile, name) > 0}
    if profile.tensor_split_count:
        arguments["tensor_split"] = profile.tensor_split[:profile.tensor_split_count]
    if mode != "dio":
        arguments["use_mmap"] = mode in ("auto", "mmap", "mmap+mlock")
    arguments["use_mlock"] = mode in ("mlock", "mmap+mlock")
    arguments["offload_kqv"] = bool(profile.kv_offload)
    arguments["flash_attn"] = profile.flash_attn != 0  # llama.cpp's "auto" turns it on wherever the device can
    arguments["swa_full"] = bool(profile.swa_full)
    if profile.embeddings:
        arguments["embedding"] = True
        if profile.pooling >= 0:
            arguments["pooling_type"] = profile.pooling
    arguments |= {name: GGML_TYPES[text(getattr(profile, name))] for name in ("type_k", "type_v")
                  if text(getattr(profile, name)) in GGML_TYPES}
    return arguments


def described(profile):
    speed = profile.tokens_per_second
    absent = {"tokens_per_second": text(speed.absent), "needs": text(profile.needs_absent)}
    needs = {text(profile.needs[i].device): profile.needs[i].bytes for i in range(profile.need_count)}
    return {"name": text(profile.name), "recommended_for": text(profile.recommended_for),
            "evidence": text(profile.evidence), "origin": ORIGINS[profile.origin], "cpu_only": bool(profile.cpu_only),
            "needs": needs if absent["needs"] is None else None,
            "tokens_per_second": speed.value if speed.absent is None else None,
            "absent": {name: reason for name, reason in absent.items() if reason is not None},
            "arguments": llama_arguments(profile), "refused": cannot_be_said(profile), "notes": unsaid(profile)}


def result_of(failure):
    """llama-cpp-python raises ValueError for every failed load; only some say that memory was the reason."""
    words = str(failure).lower()
    return OUT_OF_MEMORY if isinstance(failure, MemoryError) or "memory" in words or "alloc" in words else CRASHED


def llama_cpp_loader(**arguments):
    from llama_cpp import Llama  # only here: everything else works without it
    return Llama(**arguments)


class LoadFailed(Exception):
    """No profile could be loaded; `attempts` says what became of each."""

    def __init__(self, reason, attempts):
        super().__init__("; ".join([reason, *(f"{name}: {why}" for name, why in attempts)]))
        self.attempts = attempts


class GpuManager:
    """Open it once and keep it. With telemetry a thread reads the drivers and no call waits for them, but an idle
    laptop GPU may not fall asleep. May be used from several threads."""

    def __init__(self, data_folder=None, telemetry=False, library=None):
        self._lib = Library(library)
        folder = None if data_folder is None else os.fsencode(data_folder)
        self._handle = self._lib.make("open", byref(Options(data_folder=folder, telemetry=telemetry)))

    def close(self):
        self._lib.functions.sweetspot_close(self._handle)
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def get_gpu_status(self):
        """All cards as they are now. A sleeping one is listed with what is known without waking it."""
        with self._lib.owned("devices_free", "devices_read", self._handle) as devices:
            status = [Device() for _ in range(self._lib.functions.sweetspot_devices_count(devices))]
            for index, device in enumerate(status):
                self._lib.get("devices_get", devices, index, byref(device))
            return [device_status(device) for device in status]

    def detect_gpu(self):
        """The card with the most memory, or None where there is none."""
        return max(self.get_gpu_status(), key=lambda gpu: gpu["memory_total_bytes"] or 0, default=None)

    def check_vram_available(self, required_bytes):
        """Whether one card has so much free now; None where no card says no but one cannot be read."""
        free = [gpu["memory_free_bytes"] for gpu in self.get_gpu_status()]
        if any(known is not None and known >= required_bytes for known in free):
            return True
        return None if None in free else False

    @contextlib.contextmanager
    def _chosen(self, model_path, min_ctx=0, max_vram_percent=0, reserve_bytes=0, prefer_memory=False, profile=None):
        wanted = Requirements(profile=None if profile is None else profile.encode(), min_ctx=min_ctx,
                              max_vram_percent=max_vram_percent, reserve_bytes=reserve_bytes, prefer=prefer_memory)
        path = os.fsencode(model_path)
        with self._lib.owned("set_free", "set_of_model", self._handle, path, None) as models_set:
            with self._lib.owned("choice_free", "choose", self._handle, models_set, byref(wanted)) as choice:
                yield models_set, choice

    def _rungs(self, choice):
        """The reason, and the chosen profile with those below it; none where nothing may be loaded."""
        info = ChoiceInfo()
        self._lib.get("choice_get", choice, byref(info))
        rungs = [Profile() for _ in range(1 + info.below_count)] if info.found else []
        for index, rung in enumerate(rungs):
            if index == 0:
                self._lib.get("choice_profile", choice, byref(rung))
            else:
                self._lib.get("choice_below", choice, index - 1, None, byref(rung))
        return text(info.reason), [described(rung) for rung in rungs]

    def detect_optimal_profile(self, model_path, **requirements):
        """What to load now, why, and what to try where that fails ("below"); "profile" is None where nothing may be
        loaded. Requirements: min_ctx, max_vram_percent, reserve_bytes, prefer_memory, profile (its name)."""
        with self._chosen(model_path, **requirements) as (_, choice):
            reason, rungs = self._rungs(choice)
        return {"reason": reason, "profile": rungs[0] if rungs else None, "below": rungs[1:]}

    def load_with_fallback(self, model_path, loader=llama_cpp_loader, **requirements):
        """What `loader(**arguments)` gives, and the profile that it was loaded with. A load that fails is reported to
        the library, for the next choice, and the next smaller profile is tried, down to the CPU alone."""
        with self._chosen(model_path, **requirements) as (models_set, choice):
            reason, rungs = self._rungs(choice)
            attempts = []
            for rung in rungs:
                if rung["refused"]:
                    attempts.append((rung["name"], rung["refused"]))
                    continue
                try:
                    loaded = loader(model_path=os.fspath(model_path), **rung["arguments"])
                except (MemoryError, ValueError, OSError, RuntimeError) as failure:
                    attempts.append((rung["name"], str(failure) or type(failure).__name__))
                    self._report(models_set, choice, rung, result_of(failure))
                else:
                    self._report(models_set, choice, rung, LOADED)
                    return loaded, rung
            raise LoadFailed(reason, attempts)

    def _report(self, models_set, choice, rung, result):
        report = Report(profile=rung["name"].encode(), result=result, peak_bytes=UNKNOWN, free_bytes=UNKNOWN)
        try:
            self._lib.call("report_load", self._handle, models_set, choice, byref(report))
        except SweetspotError as problem:  # it counts in this process; a full disk is no reason to load nothing
            print(f"the report was not kept: {problem}", file=sys.stderr)


def main(arguments):
    if not 1 <= len(arguments) <= 2:
        print("llama_cpp_python.py MODEL.gguf [DATA_FOLDER]", file=sys.stderr)
        return 2
    try:
        with GpuManager(arguments[1] if len(arguments) == 2 else None) as gpus:
            chosen = gpus.detect_optimal_profile(arguments[0])
            print(json.dumps({"gpus": gpus.get_gpu_status(), **chosen}, indent=2))
    except (SweetspotError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0 if chosen["profile"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
