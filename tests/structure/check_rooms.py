#!/usr/bin/env python3
"""Compares every include of src/ with the table of arrows in docs/architecture.md.

check_rooms.py ROOT         checks a source tree; prints each fault as file:line: sentence
check_rooms.py --self-test  plants faults in a small tree and expects each to be found
"""

import re
import sys

import planted

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
ENGINE_HEADER = re.compile(r"^(llama|ggml|gguf|mtmd)[a-z-]*\.h$")
DRIVER_HEADER = re.compile(r"^(cuda|nvml|vulkan/|hip/|rocm)")
ONLY_ROOM_WITH_LLAMA = "worker"
BENEATH_ALL = "ground"  # every room may include it


def read_arrows(page):
    """The ```rooms block: one "room -> rooms it may include" a line, a room only below those it uses."""
    block = re.search(r"^```rooms\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    if block is None:
        return {}, ["docs/architecture.md:1: has no ```rooms block"]
    arrows, faults = {}, []
    for line in block.group(1).splitlines():
        name, arrow, used = line.partition("->")
        room, uses = name.strip(), used.split()
        if not arrow or not room:
            faults.append(f'docs/architecture.md:1: "{line}" is not of the form "room -> rooms"')
            continue
        if room in arrows:
            faults.append(f"docs/architecture.md:1: {room} has two lines")
        faults += [
            f"docs/architecture.md:1: {room} -> {use}: arrows point to rooms on earlier lines"
            for use in uses
            if use not in arrows
        ]
        arrows[room] = set(uses)
    return arrows, faults


def read_folders(page):
    """The ```folders block: one "room/folder -> what it may include of its own room" a line; files or folders."""
    block = re.search(r"^```folders\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = block.group(1).splitlines() if block else []
    return {folder.strip(): used.split() for folder, _, used in (line.partition("->") for line in lines)}


def check_folder(where, folders, target):
    """The fault of an include inside a room, for a file of a folder that is listed; or None."""
    folder = where.parent.as_posix().removeprefix("src/")
    if folder not in folders or not target.startswith(folder.split("/")[0] + "/"):
        return None
    allowed = [folder, *folders[folder]]
    if any(target == one or target.startswith(one + "/") for one in allowed):
        return None
    return f"{folder} may not include {target} of its own room"


def generated_header(root, target):
    """A header that CMake makes from src/ROOM/NAME.in belongs to that room: "ROOM/NAME.in", or None."""
    templates = list((root / "src").glob(f"*/{target}.in"))
    return str(templates[0].relative_to(root / "src")) if templates else None


def check_include(root, room, allowed, quote, target):
    """The fault of one include, or None."""
    if ENGINE_HEADER.match(target) and room != ONLY_ROOM_WITH_LLAMA:
        return f"only {ONLY_ROOM_WITH_LLAMA} may include {target}"
    if DRIVER_HEADER.match(target):
        return f"{target}: drivers are opened at run time, their headers are not included"
    if quote == "<":
        return None
    if "/" not in target:
        target = generated_header(root, target) or target
    used, slash, _ = target.partition("/")
    if not slash or not (root / "src" / target).is_file():
        return f'"{target}" is not of the form "room/file.hpp" from src/'
    if used not in {room, BENEATH_ALL} and used not in allowed:
        return f"{room} may not include {used} ({target})"
    return None


def check_file(root, room, path, arrows, folders):
    where = path.relative_to(root)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            fault = check_include(root, room, arrows[room], include.group(1), include.group(2))
            fault = fault or check_folder(where, folders, include.group(2))
            if fault:
                yield f"{where}:{number}: {fault}"


def check_tree(root):
    page = (root / "docs/architecture.md").read_text(encoding="utf-8")
    arrows, faults = read_arrows(page)
    room_folders = read_folders(page)
    faults += [f"docs/architecture.md:1: there is no src/{name}" for name in room_folders
               if not (root / "src" / name).is_dir()]
    folders = {path.name for path in (root / "src").iterdir() if path.is_dir()}
    faults += [f"src/{name}: has no line in docs/architecture.md" for name in sorted(folders - set(arrows))]
    faults += [f"docs/architecture.md:1: there is no src/{name}" for name in sorted(set(arrows) - folders)]
    seen = 0
    for room in sorted(folders & set(arrows)):
        for path in sorted((root / "src" / room).rglob("*")):
            if path.suffix in {".hpp", ".cpp", ".h", ".c", ".inc"}:
                seen += 1
                faults += check_file(root, room, path, arrows, room_folders)
    if seen == 0:
        faults.append("src: no source file was checked")
    return faults


GOOD_TREE = {
    "docs/architecture.md": "# A\n```rooms\nground ->\ncore ->\nstore -> core\nworker -> core\n```\n"
                            "```folders\nworker/part -> worker/low.hpp\n```\n",
    "src/worker/low.hpp": "#pragma once\n",
    "src/worker/high.hpp": "#pragma once\n",
    "src/worker/part/p.hpp": '#include "worker/low.hpp"\n#include "worker/part/q.hpp"\n#include "core/a.hpp"\n',
    "src/worker/part/q.hpp": "#pragma once\n",
    "src/ground/g.hpp": "#include <chrono>\n",
    "src/core/a.hpp": '#include <string>\n#include "ground/g.hpp"\n',
    "src/core/made.hpp.in": "@VERSION@\n",
    "src/store/b.cpp": '#include "core/a.hpp"\n#include "store/b.hpp"\n#include "made.hpp"\n',
    "src/store/b.hpp": "#pragma once\n",
    "src/worker/w.cpp": '#include <llama.h>\n#include "core/a.hpp"\n',
}

PLANTED_FAULTS = {
    "ground may not include core": ("src/ground/g.hpp", '#include "core/a.hpp"\n'),
    "core may not include store": ("src/core/a.hpp", '#include "store/b.hpp"\n'),
    "store may not include worker": ("src/store/b.cpp", ' # include "worker/w.cpp"\n'),
    "worker/part may not include worker/high.hpp": ("src/worker/part/q.hpp", '#include "worker/high.hpp"\n'),
    "only worker may include llama.h": ("src/store/b.cpp", "#include <llama.h>\n"),
    "drivers are opened at run time": ("src/store/b.cpp", "#include <cuda_runtime.h>\n"),
    'not of the form "room/file.hpp"': ("src/store/b.cpp", '#include "b.hpp"\n'),
    "src/extra: has no line": ("src/extra/x.hpp", "#pragma once\n"),
    "there is no src/gone": ("docs/architecture.md", "```rooms\nground ->\ncore ->\nstore ->\nworker ->\ngone ->\n```\n"),
    "point to rooms on earlier lines": ("docs/architecture.md", "```rooms\ncore -> store\nstore -> core\n```\n"),
    "has no ```rooms block": ("docs/architecture.md", "# nothing\n"),
}


if __name__ == "__main__":
    sys.exit(planted.main(__doc__, check_tree, GOOD_TREE, PLANTED_FAULTS))
