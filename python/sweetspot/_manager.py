"""The library, held open: devices, choices, and loading with a way down."""

from __future__ import annotations

import contextlib
import os
import sys
from ctypes import byref, c_int32, c_void_p
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

from . import _binding
from ._binding import (CRASHED, LOADED, OUT_OF_MEMORY, UNKNOWN, ChoiceInfo, Device, Library, Options, Report,
                       SweetspotError, Text, text, words)
from ._profile import Choice, Profile


@dataclass(frozen=True)
class Wanted:
    """What must hold of a choice."""

    min_ctx: int = 0  # tokens of context that each sequence needs
    max_vram_percent: float = 0  # of each device, what others use included; 0: 85
    reserve_bytes: int = 0  # left free on each device on top of that
    prefer_memory: bool = False  # at most half of each device
    profile: str | None = None  # this one, by its name

    def _struct(self) -> _binding.Requirements:
        return _binding.Requirements(
            profile=None if self.profile is None else self.profile.encode(), min_ctx=self.min_ctx,
            max_vram_percent=self.max_vram_percent, reserve_bytes=self.reserve_bytes, prefer=self.prefer_memory)


@dataclass(frozen=True)
class DeviceStatus:
    """A card as it is now. What nobody could read is None, and `absent` says why, by field name."""

    name: str | None = None
    pci_bus_id: str | None = None
    uuid: str | None = None
    driver: str | None = None
    driver_version: str | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    memory_free_bytes: int | None = None
    utilisation_percent: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    graphics_clock_mhz: float | None = None
    asleep: bool = False
    shares_host_memory: bool = False
    absent: dict[str, str] = field(default_factory=dict)

    @classmethod
    def _of(cls, device: Device) -> DeviceStatus:
        values: dict[str, Any] = {}
        absent: dict[str, str] = {}
        for name, kind in Device._fields_[1:]:
            value = getattr(device, name)
            if kind is c_int32:
                values[name] = bool(value)
            elif value.absent is not None:
                absent[name] = words(value.absent)
            else:
                values[name] = text(value.value) if kind is Text else value.value
        return cls(**values, absent=absent)


class LoadFailed(Exception):
    """No profile could be loaded; `attempts` says what became of each."""

    def __init__(self, reason: str, attempts: list[tuple[str, str]]) -> None:
        super().__init__("; ".join([reason, *(f"{name}: {why}" for name, why in attempts)]))
        self.attempts = attempts


def llama_cpp_loader(**arguments: Any) -> Any:
    from llama_cpp import Llama  # type: ignore[import]  # only here: everything else works without it
    return Llama(**arguments)


def _result_of(failure: Exception) -> int:
    """llama-cpp-python raises ValueError for every failed load; only some say that memory was the reason."""
    said = str(failure).lower()
    return OUT_OF_MEMORY if isinstance(failure, MemoryError) or "memory" in said or "alloc" in said else CRASHED


class GpuManager:
    """Open it once and keep it. With telemetry a thread reads the drivers and no call waits for them, but an idle
    laptop GPU may not fall asleep. May be used from several threads."""

    def __init__(self, data_folder: str | os.PathLike[str] | None = None, telemetry: bool = False,
                 library: str | None = None) -> None:
        self._lib = Library(library)
        folder = None if data_folder is None else os.fsencode(data_folder)
        self._handle: c_void_p | None = self._lib.make("open",
                                                       byref(Options(data_folder=folder, telemetry=telemetry)))

    def close(self) -> None:
        self._lib.functions.sweetspot_close(self._handle)
        self._handle = None

    def __enter__(self) -> GpuManager:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_gpu_status(self) -> list[DeviceStatus]:
        """All cards as they are now. A sleeping one is listed with what is known without waking it."""
        with self._lib.owned("devices_free", "devices_read", self._handle) as devices:
            status = [Device() for _ in range(self._lib.functions.sweetspot_devices_count(devices))]
            for index, device in enumerate(status):
                self._lib.get("devices_get", devices, index, byref(device))
            return [DeviceStatus._of(device) for device in status]

    def detect_gpu(self) -> DeviceStatus | None:
        """The card with the most memory, or None where there is none."""
        by_memory = sorted(self.get_gpu_status(), key=lambda gpu: gpu.memory_total_bytes or 0, reverse=True)
        return by_memory[0] if by_memory else None

    def check_vram_available(self, required_bytes: int) -> bool | None:
        """Whether one card has so much free now; None where no card says no but one cannot be read."""
        free = [gpu.memory_free_bytes for gpu in self.get_gpu_status()]
        if any(known is not None and known >= required_bytes for known in free):
            return True
        return None if None in free else False

    @contextlib.contextmanager
    def _chosen(self, model_path: str | os.PathLike[str], wanted: Wanted) -> Iterator[tuple[c_void_p, c_void_p]]:
        path = os.fsencode(model_path)
        with self._lib.owned("set_free", "set_of_model", self._handle, path, None) as models_set:
            with self._lib.owned("choice_free", "choose", self._handle, models_set,
                                 byref(wanted._struct())) as choice:
                yield models_set, choice

    def _value_of(self, model_path: str | os.PathLike[str], choice: c_void_p) -> Choice:
        info = ChoiceInfo()
        self._lib.get("choice_get", choice, byref(info))
        rungs = [_binding.Profile() for _ in range(1 + info.below_count)] if info.found else []
        for index, rung in enumerate(rungs):
            if index == 0:
                self._lib.get("choice_profile", choice, byref(rung))
            else:
                self._lib.get("choice_below", choice, index - 1, None, byref(rung))
        profiles = [Profile._of(rung) for rung in rungs]
        return Choice(model_path=os.fspath(model_path), reason=words(info.reason),
                      profile=profiles[0] if profiles else None, below=tuple(profiles[1:]))

    def choose(self, model_path: str | os.PathLike[str], wanted: Wanted = Wanted()) -> Choice:
        """What to load now, from what `sweetspot profile` and `tune` measured and what is free at this moment."""
        with self._chosen(model_path, wanted) as (_, choice):
            return self._value_of(model_path, choice)

    def load_with_fallback(self, model_path: str | os.PathLike[str], loader: Callable[..., Any] = llama_cpp_loader,
                           wanted: Wanted = Wanted()) -> tuple[Any, Profile]:
        """What `loader(**arguments)` gives, and the profile that it was loaded with. A load that fails is reported to
        the library, for the next choice, and the next smaller profile is tried, down to the CPU alone."""
        with self._chosen(model_path, wanted) as (models_set, handle):
            choice = self._value_of(model_path, handle)
            attempts: list[tuple[str, str]] = []
            for rung in (choice.profile, *choice.below):
                if rung is None:
                    break
                if rung.refused is not None:
                    attempts.append((rung.name, rung.refused))
                    continue
                try:
                    loaded = loader(model_path=choice.model_path, **rung.arguments)
                except (MemoryError, ValueError, OSError, RuntimeError) as failure:
                    attempts.append((rung.name, str(failure) or type(failure).__name__))
                    self._report(models_set, handle, rung, _result_of(failure))
                else:
                    self._report(models_set, handle, rung, LOADED)
                    return loaded, rung
            raise LoadFailed(choice.reason, attempts)

    def _report(self, models_set: c_void_p, choice: c_void_p, rung: Profile, result: int) -> None:
        report = Report(profile=rung.name.encode(), result=result, peak_bytes=UNKNOWN, free_bytes=UNKNOWN)
        try:
            self._lib.call("report_load", self._handle, models_set, choice, byref(report))
        except SweetspotError as problem:  # it counts in this process; a full disk is no reason to load nothing
            print(f"the report was not kept: {problem}", file=sys.stderr)
