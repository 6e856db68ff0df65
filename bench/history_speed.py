#!/usr/bin/env python3
"""How long `sweetspot history` takes among many runs.

    bench/history_speed.py [--runs 10000] [--bin build/bin]

Copies one measured run so many times under other names and times, then times the whole command: the first look, which
reads every file, and the looks after it.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parent.parent


def seconds(command, environment):
    start = time.monotonic()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10000)
    parser.add_argument("--bin", type=pathlib.Path, default=REPO / "build/bin")
    options = parser.parse_args()
    sweetspot = options.bin.resolve() / "sweetspot"
    with tempfile.TemporaryDirectory(prefix="sweetspot-history-") as name:
        folder = pathlib.Path(name)
        environment = {**os.environ, "XDG_DATA_HOME": name}
        model = folder / "tiny.gguf"
        subprocess.run([sweetspot, "synth", model, "--blocks", "3", "--embd", "256", "--ff", "512", "--heads", "4",
                        "--kv-heads", "2", "--vocab", "512"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([sweetspot, "profile", model, "-c", "256", "-p", "32", "-n", "16", "-b", "64", "-ub", "64",
                        "--layers", "0", "--max-seconds", "2", "--no-store", "-o", folder / "run.json"],
                       check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        run = json.loads((folder / "run.json").read_text())
        runs = folder / "sweetspot/runs"
        runs.mkdir(parents=True)
        for number in range(options.runs):
            run["started_at"] = f"20{10 + number % 17}-11-{1 + number % 28:02}T10:00:00Z"
            (runs / f"run-{number:05}.json").write_text(json.dumps(run))
        size = (runs / "run-00000.json").stat().st_size
        first = seconds([sweetspot, "history", "--newest", "20"], environment)
        newest = [seconds([sweetspot, "history", "--newest", "20"], environment) for _ in range(9)]
        every = [seconds([sweetspot, "history"], environment) for _ in range(9)]
    print(f"{options.runs} runs of {size / 1024:.0f} KiB: first look {first:.1f} s, then the newest 20 in "
          f"{1e3 * statistics.median(newest):.0f} ms, all in {1e3 * statistics.median(every):.0f} ms")


if __name__ == "__main__":
    main()
