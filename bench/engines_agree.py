#!/usr/bin/env python3
"""Do the linked worker, sweetspot-adapter on a llama-server, and llama-bench read the same speeds and memory?

Each config is measured by all three in turn, round by round, and the ratios to the linked worker's figures are
printed with their medians. Interleaving cancels the drift of the machine; single speeds do not compare. Memory is
compared once for each config: the adapter reads it in hundredths of a MiB, one rounding for each buffer, and counts the
output buffer as compute, which the linked worker does not.

    bench/engines_agree.py .deps/models/demo-1.1b.gguf --rounds 5
    bench/engines_agree.py MODEL.gguf --rounds 3 --depth 512
"""

import argparse
import os
import statistics
import sys

from bench_tools import REPO, Report, add_common, device, device_words, llama_bench, speeds, sweetspot

PARTS = ("model_bytes", "context_bytes", "compute_bytes")


def profile(args, layers, worker):
    """The one trial of `sweetspot profile --layers N`, and the run."""
    os.environ.pop("SWEETSPOT_WORKER", None)
    os.environ["SWEETSPOT_ENGINE"] = args.engine if worker else "linked"
    if worker:
        os.environ["SWEETSPOT_WORKER"] = worker
    _, run = sweetspot(args, "profile", "--layers", layers, "-p", args.n_prompt, "-n", args.n_gen, "-d", args.depth,
                       "-t", args.threads, "-fa", "on", "--max-seconds", args.max_seconds, "--full-depth", "never")
    return trial_of(run, layers), run


def trial_of(run, layers):
    """The last one with that many layers, which was measured anew where a neighbour disturbed the first. llama-bench
    has the device beside it even for no layers, so the CPU alone stands for them only where there is no device."""
    wanted = [trial for trial in run["results"] if trial["requested_layers"] == [layers]]
    beside_a_device = [trial for trial in wanted if trial["config"]["devices"] != ["none"]]
    return (beside_a_device or wanted)[-1]


def bench(args, layers):
    _, rows = llama_bench(args, "-ngl", 999 if layers < 0 else layers, "-p", args.n_prompt, "-n", args.n_gen,
                          "-d", args.depth, "-r", args.repetitions, "-t", args.threads, "-fa", 1)
    return speeds(rows)


def speed_of(trial, what):
    return trial[what]["tokens_per_second"]


def memory_lines(linked, adapter):
    """Bytes that differ, by device and part."""
    mine = {device["id"]: device for device in adapter["devices"]}
    for theirs in linked["devices"]:
        got = mine.get(theirs["id"])
        for part in PARTS:
            a, b = theirs[part], got[part] if got else 0
            yield f"  {theirs['id']:6} {part:14} {a:12} {b:12} {b - a:+10}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    add_common(parser)
    parser.add_argument("--engine", default=str(REPO / ".deps/llama/bin/llama-server"))
    parser.add_argument("--adapter", default=str(REPO / "build/bin/sweetspot-adapter"))
    parser.add_argument("--layers", default="0,-1", help="layer counts, each a config")
    parser.add_argument("--n-prompt", type=int, default=128)
    parser.add_argument("--n-gen", type=int, default=64)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--max-seconds", type=float, default=10)
    parser.add_argument("--repetitions", type=int, default=3, help="llama-bench's -r")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.max_seconds, args.repetitions = 1, 1, 1
    args.adapter = os.path.abspath(args.adapter)

    report = Report(args, "The adapter, the linked worker and llama-bench", "engines-agree.md")
    ratios, run = {}, None
    with device(args):
        for layers in map(int, args.layers.split(",")):
            name = "all layers" if layers < 0 else f"{layers} layers"
            for number in range(1, args.rounds + 1):
                linked, run = profile(args, layers, None)
                adapter, _ = profile(args, layers, args.adapter)
                prompt, generation = bench(args, layers)
                for what, theirs in (("prompt", prompt), ("generation", generation)):
                    ours = speed_of(linked, what)
                    a, b = speed_of(adapter, what) / ours, theirs / ours
                    ratios.setdefault((name, what), []).append((a, b))
                    report.say(f"{name}, round {number}: {what:10} linked {ours:8.2f} tok/s, adapter / linked {a:.3f}, "
                               f"llama-bench / linked {b:.3f}")
            report.say(f"{name}: bytes by the linked worker, by the adapter, difference")
            for line in memory_lines(linked, adapter):
                report.say(line)
        report.say()
        for (name, what), pairs in ratios.items():
            a, b = zip(*pairs)
            report.say(f"{name}, {what}: median of adapter / linked {statistics.median(a):.3f} ({min(a):.3f} to "
                       f"{max(a):.3f}), of llama-bench / linked {statistics.median(b):.3f} ({min(b):.3f} to "
                       f"{max(b):.3f}), {len(pairs)} rounds")
        report.write("Each config measured by all three in turn, round by round.", run, device_words(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
