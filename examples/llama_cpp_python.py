#!/usr/bin/env python3
"""libsweetspot in a Python program that loads models with llama-cpp-python, over ctypes alone.

    assistant = Sweetspot()
    model = assistant.load_with_fallback("model.gguf", llama_cpp.Llama)

load_with_fallback() takes what loads, so that this file needs no llama-cpp-python itself. As a program it
prints what it would load:

    llama_cpp_python.py MODEL.gguf
"""

import ctypes
import json
import os
import sys
from ctypes import (POINTER, Structure, byref, c_char_p, c_double, c_int32, c_size_t, c_uint32,
                    c_uint64, c_void_p, sizeof)

OK = 0
LOADED, OUT_OF_MEMORY, CRASHED = 0, 1, 2
# ggml.h, enum ggml_type: the types a K/V cache can have.
GGML_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8,
              "iq4_nl": 20, "bf16": 30}


class Sized(Structure):
    """A struct of sweetspot.h that begins with its size."""

    def __init__(self, **fields):
        super().__init__(size=sizeof(self), **fields)


class Bytes(Structure):
    _fields_ = [("value", c_uint64), ("absent", c_char_p)]


class Number(Structure):
    _fields_ = [("value", c_double), ("absent", c_char_p)]


class Text(Structure):
    _fields_ = [("value", c_char_p), ("absent", c_char_p)]


class Estimate(Structure):
    _fields_ = [("value", c_double), ("low", c_double), ("high", c_double), ("absent", c_char_p)]


class Options(Sized):
    _fields_ = [("size", c_size_t), ("data_folder", c_char_p), ("telemetry", c_int32),
                ("interval_ms", c_uint32), ("deadline_ms", c_uint32),
                ("wake_sleeping_devices", c_int32)]


class Device(Sized):
    _fields_ = [("size", c_size_t), ("name", Text), ("pci_bus_id", Text), ("uuid", Text),
                ("driver", Text), ("driver_version", Text), ("memory_total_bytes", Bytes),
                ("memory_used_bytes", Bytes), ("memory_free_bytes", Bytes),
                ("utilisation_percent", Number), ("temperature_c", Number), ("power_w", Number),
                ("power_limit_w", Number), ("graphics_clock_mhz", Number), ("asleep", c_int32),
                ("shares_host_memory", c_int32)]


class Need(Structure):
    _fields_ = [("device", c_char_p), ("bytes", c_uint64)]


class Profile(Sized):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("recommended_for", c_char_p),
                ("evidence", c_char_p), ("origin", c_int32), ("cpu_only", c_int32),
                ("n_gpu_layers", c_int32), ("devices", POINTER(c_char_p)),
                ("device_count", c_size_t), ("split_mode", c_int32), ("main_gpu", c_int32),
                ("tensor_split", POINTER(c_double)), ("tensor_split_count", c_size_t),
                ("n_cpu_moe", c_int32), ("n_cpu_ffn", c_int32),
                ("override_tensor", POINTER(c_char_p)), ("override_tensor_count", c_size_t),
                ("all_override_tensor", POINTER(c_char_p)),
                ("all_override_tensor_count", c_size_t), ("load_mode", c_char_p),
                ("n_ctx", c_uint32), ("n_batch", c_uint32), ("n_ubatch", c_uint32),
                ("n_parallel", c_uint32), ("n_threads", c_int32), ("n_threads_batch", c_int32),
                ("type_k", c_char_p), ("type_v", c_char_p), ("flash_attn", c_int32),
                ("kv_offload", c_int32), ("kv_unified", c_int32), ("swa_full", c_int32),
                ("needs", POINTER(Need)), ("need_count", c_size_t), ("needs_absent", c_char_p),
                ("host_bytes", Bytes), ("tokens_per_second", Estimate),
                ("prompt_tokens_per_second", Estimate)]


class Requirements(Sized):
    _fields_ = [("size", c_size_t), ("profile", c_char_p), ("min_ctx", c_uint32),
                ("max_vram_percent", c_double), ("reserve_bytes", c_uint64), ("prefer", c_int32),
                ("llama_cpp", c_char_p), ("devices", c_void_p), ("device_count", c_size_t)]


class ChoiceInfo(Sized):
    _fields_ = [("size", c_size_t), ("found", c_int32), ("reason", c_char_p), ("unusable", c_int32),
                ("stale_count", c_size_t), ("below_count", c_size_t), ("passed_count", c_size_t)]


class Report(Sized):
    _fields_ = [("size", c_size_t), ("profile", c_char_p), ("result", c_int32),
                ("device", c_char_p), ("free_bytes", c_uint64), ("peak_bytes", c_uint64)]


class SweetspotError(RuntimeError):
    pass


def value_of(reading):
    """A number or text, or None where nobody could read it."""
    if reading.absent is not None:
        return None
    return reading.value.decode() if isinstance(reading.value, bytes) else reading.value


def open_library(path):
    """The shared library with the types that are not int."""
    lib = ctypes.CDLL(path or os.environ.get("SWEETSPOT_LIBRARY", "libsweetspot.so.0"))
    lib.sweetspot_devices_count.restype = c_size_t
    for name in ("close", "free", "devices_free", "set_free", "choice_free"):
        getattr(lib, f"sweetspot_{name}").argtypes = [c_void_p]
        getattr(lib, f"sweetspot_{name}").restype = None
    lib.sweetspot_devices_count.argtypes = [c_void_p]
    lib.sweetspot_devices_get.argtypes = [c_void_p, c_size_t, c_void_p]
    lib.sweetspot_choice_get.argtypes = lib.sweetspot_choice_profile.argtypes = [c_void_p, c_void_p]
    lib.sweetspot_choice_below.argtypes = [c_void_p, c_size_t, c_void_p, c_void_p]
    return lib


def can_be_said(profile):
    """llama-cpp-python's Llama() takes no tensor overrides: without them such a profile takes more memory
    than it says, so it is passed over."""
    return profile.all_override_tensor_count == 0


def model_arguments(profile):
    """llama-cpp-python's keyword arguments for llama_cpp.Llama."""
    arguments = {"n_gpu_layers": profile.n_gpu_layers, "n_ctx": profile.n_ctx,
                 "n_batch": profile.n_batch, "n_ubatch": profile.n_ubatch,
                 "split_mode": profile.split_mode, "main_gpu": profile.main_gpu,
                 "offload_kqv": bool(profile.kv_offload and not profile.cpu_only),
                 "flash_attn": profile.flash_attn == 1, "swa_full": bool(profile.swa_full),
                 "type_k": GGML_TYPES[profile.type_k.decode()],
                 "type_v": GGML_TYPES[profile.type_v.decode()]}
    if profile.n_threads > 0:
        arguments["n_threads"] = profile.n_threads
    if profile.n_threads_batch > 0:
        arguments["n_threads_batch"] = profile.n_threads_batch
    if profile.tensor_split_count > 0:
        arguments["tensor_split"] = profile.tensor_split[:profile.tensor_split_count]
    return arguments


class Sweetspot:
    """What a desktop assistant asks before it loads a model."""

    def __init__(self, library=None, data_folder=None):
        self._lib = open_library(library)
        self._handle = c_void_p()
        options = Options(data_folder=data_folder.encode() if data_folder else None)
        self._call("sweetspot_open", byref(options), byref(self._handle))

    def close(self):
        self._lib.sweetspot_close(self._handle)
        self._handle = c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _call(self, name, *arguments):
        error = c_void_p()
        status = getattr(self._lib, name)(*arguments, byref(error))
        if status == OK:
            return
        text = ctypes.cast(error, c_char_p).value if error else b"no reason is known"
        self._lib.sweetspot_free(error)
        raise SweetspotError(text.decode())

    def get_gpu_status(self):
        """Every card as it is now; None where a figure cannot be read, never 0."""
        devices = c_void_p()
        self._call("sweetspot_devices_read", self._handle, byref(devices))
        cards = []
        for index in range(self._lib.sweetspot_devices_count(devices)):
            device = Device()
            self._lib.sweetspot_devices_get(devices, index, byref(device))
            card = {name: value_of(getattr(device, name)) for name, kind in Device._fields_
                    if kind in (Text, Bytes, Number)}
            card["asleep"] = bool(device.asleep)
            cards.append(card)
        self._lib.sweetspot_devices_free(devices)
        return cards

    def detect_gpu(self):
        """Name, driver, total and free memory of each card."""
        wanted = ("name", "driver_version", "memory_total_bytes", "memory_free_bytes")
        return [{name: card[name] for name in wanted} for card in self.get_gpu_status()]

    def _choose(self, model_path, **wanted):
        loaded, choice = c_void_p(), c_void_p()
        self._call("sweetspot_set_of_model", self._handle, os.fsencode(model_path), None,
                   byref(loaded))
        try:
            self._call("sweetspot_choose", self._handle, loaded, byref(Requirements(**wanted)),
                       byref(choice))
        except SweetspotError:
            self._lib.sweetspot_set_free(loaded)
            raise
        return loaded, choice

    def _free(self, loaded, choice):
        self._lib.sweetspot_choice_free(choice)
        self._lib.sweetspot_set_free(loaded)

    def _rungs(self, choice):
        """The chosen profile and those to try after it."""
        info, profile = ChoiceInfo(), Profile()
        self._lib.sweetspot_choice_get(choice, byref(info))
        rungs = []
        if self._lib.sweetspot_choice_profile(choice, byref(profile)) == OK:
            rungs.append(profile)
        for index in range(info.below_count):
            below = Profile()
            self._lib.sweetspot_choice_below(choice, index, None, byref(below))
            rungs.append(below)
        return info.reason.decode(), [rung for rung in rungs if can_be_said(rung)]

    def detect_optimal_profile(self, model_path, **wanted):
        """The profile to load now: its name, the keyword arguments, its speed if known, the reason."""
        loaded, choice = self._choose(model_path, **wanted)
        try:
            reason, rungs = self._rungs(choice)
            if not rungs:
                return {"profile": None, "reason": reason}
            return {"profile": rungs[0].name.decode(), "arguments": model_arguments(rungs[0]),
                    "tokens_per_second": value_of(rungs[0].tokens_per_second), "reason": reason}
        finally:
            self._free(loaded, choice)

    def check_vram_available(self, model_path, profile):
        """Whether the profile of that name fits what is free now, and the reason."""
        found = self.detect_optimal_profile(model_path, profile=profile.encode())
        return found["profile"] == profile, found["reason"]

    def load_with_fallback(self, model_path, load, **wanted):
        """What load(model_path=..., **arguments) returns for the first rung that it does not raise at.

        Every outcome is reported, so that the next choice knows of it. llama-cpp-python raises ValueError
        where a model or context could not be made, which is what too little memory looks like there."""
        loaded, choice = self._choose(model_path, **wanted)
        try:
            reason, rungs = self._rungs(choice)
            failure = None
            for profile in rungs:
                try:
                    model = load(model_path=model_path, **model_arguments(profile))
                except (ValueError, MemoryError, RuntimeError) as raised:
                    failure = raised
                    self._report(loaded, choice, profile,
                                 CRASHED if isinstance(raised, RuntimeError) else OUT_OF_MEMORY)
                    continue
                self._report(loaded, choice, profile, LOADED)
                return model
            raise SweetspotError(f"nothing could be loaded: {reason}") from failure
        finally:
            self._free(loaded, choice)

    def _report(self, loaded, choice, profile, result):
        report = Report(profile=profile.name, result=result)
        try:
            self._call("sweetspot_report_load", self._handle, loaded, choice, byref(report))
        except SweetspotError as unwritten:
            print(f"the report was not kept: {unwritten}", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with Sweetspot() as assistant:
        print(json.dumps({"gpu": assistant.detect_gpu(),
                          **assistant.detect_optimal_profile(sys.argv[1])}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
