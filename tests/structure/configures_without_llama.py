#!/usr/bin/env python3
"""Configures a build without the linked worker, as `LINKED_WORKER=OFF make` does: it asks for no llama.cpp and has
the programs that drive a llama-server.

configures_without_llama.py ROOT
"""

import pathlib
import re
import subprocess
import sys
import tempfile


def configured(root, folder, *options):
    return subprocess.run(["cmake", "-S", root, "-B", folder, "-G", "Ninja", "-DSWEETSPOT_LINKED_WORKER=OFF",
                           "-DCMAKE_DISABLE_FIND_PACKAGE_llama=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_ggml=ON", *options],
                          capture_output=True, text=True, check=False)


def faults(root):
    with tempfile.TemporaryDirectory(prefix="sweetspot-configure-") as folder:
        done = configured(root, folder, "-DSWEETSPOT_TESTS=OFF", "-DSWEETSPOT_BENCH=OFF")
        if done.returncode != 0:
            yield f"it does not configure without the linked worker:\n{done.stderr}"
            return
        if re.search(r"^(llama|ggml)_DIR", (pathlib.Path(folder) / "CMakeCache.txt").read_text(), re.MULTILINE):
            yield "it looked for llama.cpp"
        listed = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True, text=True,
                                check=True).stdout
        programs = set(re.findall(r"^(?:bin/)?(sweetspot(?:-\w+)?): ", listed, re.MULTILINE))
        if not {"sweetspot", "sweetspot-adapter"} <= programs:
            yield f"it lacks a program: {sorted(programs)}"
        if "sweetspot-worker" in programs:
            yield "it would build the linked worker"
    with tempfile.TemporaryDirectory(prefix="sweetspot-configure-") as folder:
        done = configured(root, folder, "-DSWEETSPOT_TESTS=ON")
        if done.returncode == 0 or "The tests need the worker" not in done.stderr:
            yield "tests without the linked worker are not refused in words"


def main():
    found = list(faults(sys.argv[1]))
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
