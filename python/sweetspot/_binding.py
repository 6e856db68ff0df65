"""sweetspot.h for Python: the structs field by field, the functions that this package calls, and where the library is
found."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pathlib
from ctypes import POINTER, byref, c_char_p, c_double, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Iterator

ABI_VERSION = 1
SONAME = "libsweetspot.so.0"
UNKNOWN = 2**64 - 1
LOADED, OUT_OF_MEMORY, CRASHED = 0, 1, 2
ORIGINS = ("measured", "planned", "defaults")


def each(kind: Any, names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names.split()]


class Sized(ctypes.Structure):
    """A struct that says how large its caller believes it to be."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(self), **fields)


class Bytes(ctypes.Structure):
    _fields_ = [("value", c_uint64), ("absent", c_char_p)]


class Number(ctypes.Structure):
    _fields_ = [("value", c_double), ("absent", c_char_p)]


class Text(ctypes.Structure):
    _fields_ = [("value", c_char_p), ("absent", c_char_p)]


class Estimate(ctypes.Structure):
    _fields_ = [*each(c_double, "value low high"), ("absent", c_char_p)]


class Options(Sized):
    _fields_ = [("size", c_size_t), ("data_folder", c_char_p), ("telemetry", c_int32),
                *each(c_uint32, "interval_ms deadline_ms"), ("wake_sleeping_devices", c_int32)]


class Device(Sized):
    _fields_ = [("size", c_size_t), *each(Text, "name pci_bus_id uuid driver driver_version"),
                *each(Bytes, "memory_total_bytes memory_used_bytes memory_free_bytes"),
                *each(Number, "utilisation_percent temperature_c power_w power_limit_w graphics_clock_mhz"),
                *each(c_int32, "asleep shares_host_memory")]


class Need(ctypes.Structure):
    _fields_ = [("device", c_char_p), ("bytes", c_uint64)]


class Profile(Sized):
    _fields_ = [("size", c_size_t), *each(c_char_p, "name recommended_for evidence"),
                *each(c_int32, "origin cpu_only n_gpu_layers"),
                ("devices", POINTER(c_char_p)), ("device_count", c_size_t), *each(c_int32, "split_mode main_gpu"),
                ("tensor_split", POINTER(c_double)), ("tensor_split_count", c_size_t),
                *each(c_int32, "n_cpu_moe n_cpu_ffn"),
                ("override_tensor", POINTER(c_char_p)), ("override_tensor_count", c_size_t),
                ("all_override_tensor", POINTER(c_char_p)), ("all_override_tensor_count", c_size_t),
                ("load_mode", c_char_p), *each(c_uint32, "n_ctx n_batch n_ubatch n_parallel"),
                *each(c_int32, "n_threads n_threads_batch"), *each(c_char_p, "type_k type_v"),
                *each(c_int32, "flash_attn kv_offload kv_unified swa_full"),
                ("needs", POINTER(Need)), ("need_count", c_size_t), ("needs_absent", c_char_p),
                ("host_bytes", Bytes), *each(Estimate, "tokens_per_second prompt_tokens_per_second"),
                *each(c_int32, "embeddings pooling")]


class Requirements(Sized):
    _fields_ = [("size", c_size_t), ("profile", c_char_p), ("min_ctx", c_uint32), ("max_vram_percent", c_double),
                ("reserve_bytes", c_uint64), ("prefer", c_int32), ("llama_cpp", c_char_p),
                ("devices", c_void_p), ("device_count", c_size_t), *each(c_char_p, "program arguments")]


class ChoiceInfo(Sized):
    _fields_ = [("size", c_size_t), ("found", c_int32), ("reason", c_char_p), ("unusable", c_int32),
                *each(c_size_t, "stale_count below_count passed_count")]


class Report(Sized):
    _fields_ = [("size", c_size_t), ("profile", c_char_p), ("result", c_int32), ("device", c_char_p),
                *each(c_uint64, "free_bytes peak_bytes"), *each(c_char_p, "program arguments")]


def text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def words(value: bytes) -> str:
    return value.decode("utf-8", "replace")


ERROR = POINTER(c_char_p)
OUT = POINTER(c_void_p)
STATUS_FUNCTIONS = {
    "open": (POINTER(Options), OUT, ERROR),
    "devices_read": (c_void_p, OUT, ERROR),
    "devices_get": (c_void_p, c_size_t, POINTER(Device)),
    "set_of_model": (c_void_p, c_char_p, c_void_p, OUT, ERROR),
    "choose": (c_void_p, c_void_p, POINTER(Requirements), OUT, ERROR),
    "choice_get": (c_void_p, POINTER(ChoiceInfo)),
    "choice_profile": (c_void_p, POINTER(Profile)),
    "choice_below": (c_void_p, c_size_t, c_void_p, POINTER(Profile)),
    "report_load": (c_void_p, c_void_p, c_void_p, POINTER(Report), ERROR),
}


def bind(lib: ctypes.CDLL) -> None:
    for name, arguments in STATUS_FUNCTIONS.items():
        function = getattr(lib, "sweetspot_" + name)
        function.argtypes, function.restype = arguments, c_int
    for name in ("close", "free", "devices_free", "set_free", "choice_free"):
        function = getattr(lib, "sweetspot_" + name)
        function.argtypes, function.restype = (c_void_p,), None
    lib.sweetspot_devices_count.argtypes, lib.sweetspot_devices_count.restype = (c_void_p,), c_size_t
    lib.sweetspot_abi_version.restype = c_uint32


class SweetspotError(Exception):
    """The library's sentence; `status` is its sweetspot_status, 0 where the library did not say it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class LibraryMissing(SweetspotError):
    """There is no libsweetspot that Python can load."""


def place_of_library(path: str | None) -> str:
    """A wheel has the library beside this file."""
    named = path or os.environ.get("SWEETSPOT_LIBRARY")
    beside = pathlib.Path(__file__).with_name(SONAME)
    return named or (str(beside) if beside.exists() else SONAME)


def load(path: str | None) -> ctypes.CDLL:
    place = place_of_library(path)
    try:
        return ctypes.CDLL(place)
    except OSError as problem:
        raise LibraryMissing(0, f"{place} cannot be loaded ({problem}): install the wheel that scripts/build-wheel.sh "
                                "makes, or libsweetspot itself (cmake --install build --component libsweetspot), or "
                                "name the file in SWEETSPOT_LIBRARY") from problem


class Library:
    """The functions of the library, by their names without "sweetspot_". Each raises SweetspotError where it fails."""

    def __init__(self, path: str | None = None) -> None:
        self.functions = load(path)
        try:
            bind(self.functions)
            version = self.functions.sweetspot_abi_version()
        except AttributeError as problem:
            raise LibraryMissing(0, f"{place_of_library(path)} is no libsweetspot, or too old a one: {problem}") from problem
        if version < ABI_VERSION:
            raise LibraryMissing(0, f"{place_of_library(path)} is older than this package: install both from one source")

    def get(self, name: str, *arguments: Any) -> None:
        """Calls a function that tells no sentence."""
        status = getattr(self.functions, "sweetspot_" + name)(*arguments)
        if status:
            raise SweetspotError(status, f"sweetspot_{name} failed with status {status}")

    def call(self, name: str, *arguments: Any) -> None:
        error = c_char_p()
        status = getattr(self.functions, "sweetspot_" + name)(*arguments, byref(error))
        sentence = text(error.value)
        self.functions.sweetspot_free(error)
        if status:
            raise SweetspotError(status, sentence or f"sweetspot_{name} failed with status {status}")

    def make(self, name: str, *arguments: Any) -> c_void_p:
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle

    @contextlib.contextmanager
    def owned(self, free: str, name: str, *arguments: Any) -> Iterator[c_void_p]:
        """A handle that is freed at the end of a with statement, by the function `free`."""
        handle = self.make(name, *arguments)
        try:
            yield handle
        finally:
            getattr(self.functions, "sweetspot_" + free)(handle)
