"""python3 -m sweetspot MODEL.gguf [DATA_FOLDER]: the cards and what would be loaded, as JSON."""

from __future__ import annotations

import dataclasses
import json
import sys

from . import GpuManager, SweetspotError


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print("usage: python3 -m sweetspot MODEL.gguf [DATA_FOLDER]", file=sys.stderr)
        return 2
    try:
        with GpuManager(arguments[1] if len(arguments) == 2 else None) as gpus:
            choice = gpus.choose(arguments[0])
            cards = [dataclasses.asdict(card) for card in gpus.get_gpu_status()]
    except (SweetspotError, OSError) as problem:
        print(f"sweetspot: {problem}", file=sys.stderr)
        return 1
    print(json.dumps({"gpus": cards, **dataclasses.asdict(choice)}, indent=2))
    return 0 if choice.profile else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
