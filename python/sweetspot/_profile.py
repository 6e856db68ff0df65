"""Profiles and choices as values of Python, and what llama-cpp-python is told of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _binding
from ._binding import ORIGINS, SweetspotError, text, words

GGML_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20, "bf16": 30}


def _refusal(profile: _binding.Profile) -> str | None:
    """Why llama-cpp-python would lay other weights on the device than the profile does; None: it would not."""
    if profile.all_override_tensor_count > 0 and not profile.cpu_only:
        return "llama-cpp-python cannot keep single tensors on the CPU, and would take more GPU memory"
    return None


def _unsaid(profile: _binding.Profile) -> list[str]:
    """What the profile asks for, llama-cpp-python cannot be told, and costs no GPU memory that was not counted."""
    notes = [f"llama-cpp-python cannot be told n_parallel = {profile.n_parallel}"] if profile.n_parallel > 1 else []
    notes += ["llama-cpp-python cannot be told kv_unified"] if profile.kv_unified else []
    notes += ["llama-cpp-python cannot be told to read with direct I/O"] if profile.load_mode == b"dio" else []
    notes += [f"llama-cpp-python knows no cache type {text(name)}" for name in (profile.type_k, profile.type_v)
              if text(name) not in GGML_TYPES]
    return notes


def llama_arguments(profile: _binding.Profile) -> dict[str, Any]:
    """Keyword arguments of llama_cpp.Llama(); what llama.cpp or the machine decides is left out."""
    mode = text(profile.load_mode)
    arguments: dict[str, Any] = {name: getattr(profile, name) for name in
                                 ("n_gpu_layers", "split_mode", "main_gpu", "n_ctx", "n_batch", "n_ubatch")}
    arguments |= {name: getattr(profile, name) for name in ("n_threads", "n_threads_batch")
                  if getattr(profile, name) > 0}
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
    arguments |= {name: GGML_TYPES[words(getattr(profile, name))] for name in ("type_k", "type_v")
                  if text(getattr(profile, name)) in GGML_TYPES}
    return arguments


@dataclass(frozen=True)
class Profile:
    """A configuration to load. What nobody could tell is None, and `absent` says why, by field name."""

    name: str
    recommended_for: str
    evidence: str  # one sentence: what it rests on
    origin: str  # measured, planned or defaults
    cpu_only: bool
    needs: dict[str, int] | None  # bytes that must be free, by device
    tokens_per_second: float | None
    absent: dict[str, str]
    arguments: dict[str, Any]  # of llama_cpp.Llama(), but the model's path
    refused: str | None  # why llama-cpp-python must not load it; None: it may
    notes: list[str]  # what llama-cpp-python cannot be told of it

    @classmethod
    def _of(cls, profile: _binding.Profile) -> Profile:
        speed = profile.tokens_per_second
        reasons = {"tokens_per_second": text(speed.absent), "needs": text(profile.needs_absent)}
        absent = {name: reason for name, reason in reasons.items() if reason is not None}
        needs = {words(profile.needs[i].device): int(profile.needs[i].bytes) for i in range(profile.need_count)}
        return cls(name=words(profile.name), recommended_for=words(profile.recommended_for),
                   evidence=words(profile.evidence), origin=ORIGINS[profile.origin], cpu_only=bool(profile.cpu_only),
                   needs=None if "needs" in absent else needs,
                   tokens_per_second=None if "tokens_per_second" in absent else float(speed.value), absent=absent,
                   arguments=llama_arguments(profile), refused=_refusal(profile), notes=_unsaid(profile))


@dataclass(frozen=True)
class Choice:
    """What to load now and why, and what to try where that fails, in this order."""

    model_path: str
    reason: str
    profile: Profile | None  # None: nothing may be loaded
    below: tuple[Profile, ...]

    def for_llama_cpp_python(self) -> Profile:
        """The chosen profile, or the first below it that llama-cpp-python can be told in full."""
        rungs = [rung for rung in (self.profile, *self.below) if rung is not None]
        for rung in rungs:
            if rung.refused is None:
                return rung
        raise SweetspotError(0, "; ".join([self.reason, *(f"{rung.name}: {rung.refused}" for rung in rungs)]))

    def kwargs(self) -> dict[str, Any]:
        """Llama(**kwargs) loads it. SweetspotError where nothing may be loaded, with the reason."""
        return {"model_path": self.model_path, **self.for_llama_cpp_python().arguments}
