"""The table that scripts/coverage.sh prints: gcovr's summary by room."""

import collections
import json
import sys


def percent(part, whole):
    return f"{100 * part / whole:.1f}" if whole else "-"


def main(path):
    with open(path, encoding="utf-8") as file:
        files = json.load(file)["files"]
    rooms = collections.defaultdict(lambda: [0, 0, 0, 0])
    for entry in files:
        counts = (entry["line_covered"], entry["line_total"], entry["branch_covered"], entry["branch_total"])
        for name in (entry["filename"].split("/")[1], "all"):
            for i, count in enumerate(counts):
                rooms[name][i] += count
    print("| room | lines | run | branches taken |")
    print("| --- | ---: | ---: | ---: |")
    for name in sorted(rooms, key=lambda name: (name == "all", name)):
        lines_run, lines, taken, branches = rooms[name]
        print(f"| {name} | {lines} | {percent(lines_run, lines)} % | {percent(taken, branches)} % |")


main(sys.argv[1])
