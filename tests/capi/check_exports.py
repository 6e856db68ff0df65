#!/usr/bin/env python3
"""check_exports.py HEADER LIBRARY: the library exports what the header declares, and nothing else."""

import pathlib
import re
import subprocess
import sys


def declared(header):
    text = pathlib.Path(header).read_text(encoding="utf-8")
    return set(re.findall(r"SWEETSPOT_API[^;]*?\b(sweetspot_\w+)\s*\(", text))


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines if line.strip()}


def main():
    wanted, there = declared(sys.argv[1]), exported(sys.argv[2])
    if len(wanted) < 10:
        print(f"only {len(wanted)} functions were found in {sys.argv[1]}")
        return 1
    for name in sorted(wanted - there):
        print(f"declared and not exported: {name}")
    for name in sorted(there - wanted):
        print(f"exported and not declared: {name}")
    return 1 if wanted != there else 0


if __name__ == "__main__":
    sys.exit(main())
