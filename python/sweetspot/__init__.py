"""Which settings may llama-cpp-python load a model with on this machine now?

    import sweetspot
    from llama_cpp import Llama

    llm = Llama(**sweetspot.choose("model.gguf").kwargs())

The answer is libsweetspot's: from the profiles that `sweetspot profile` and `sweetspot tune` measured, and from what is
free at this moment. GpuManager keeps the library open, shows the cards, and loads with a way down. Pure Python over
ctypes; llama_cpp is imported only where GpuManager.load_with_fallback() is given no other loader. llama-cpp-python
offloads to every device that it sees (CUDA_VISIBLE_DEVICES and its kin choose).
"""

from __future__ import annotations

import os

from ._binding import LibraryMissing, SweetspotError
from ._manager import DeviceStatus, GpuManager, LoadFailed, Wanted
from ._profile import Choice, Profile

__all__ = ["Choice", "DeviceStatus", "GpuManager", "LibraryMissing", "LoadFailed", "Profile", "SweetspotError",
           "Wanted", "choose"]


def choose(model_path: str | os.PathLike[str], *, min_ctx: int = 0, max_vram_percent: float = 0,
           reserve_bytes: int = 0, prefer_memory: bool = False, profile: str | None = None,
           data_folder: str | os.PathLike[str] | None = None) -> Choice:
    """One question, asked once; a program that asks often keeps a GpuManager. The requirements are those of Wanted.
    Raises LibraryMissing, or SweetspotError with the library's sentence."""
    with GpuManager(data_folder) as gpus:
        return gpus.choose(model_path, Wanted(min_ctx, max_vram_percent, reserve_bytes, prefer_memory, profile))
