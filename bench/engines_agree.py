#!/usr/bin/env python3
"""Do the linked worker, sweetspot-adapter on a llama-server, and llama-bench read the same speeds and memory?

Both workers are loaded side by side and take turns, a prompt of each, then a generation of each; then llama-bench, which
loads anew. The ratios to the linked worker's figures are printed with their medians. The two workers are compared by the
median time of a token; llama-bench divides all tokens by all time, stalls included, and is held against the linked worker's
tokens by all time. Turns cancel the drift of the
machine, as far as it is slower than a turn; single speeds do not compare. Memory is compared once for each config: the
adapter reads it in hundredths of a MiB, one rounding for each buffer, and counts the output buffer as compute, which the
linked worker does not.

    bench/engines_agree.py .deps/models/demo-1.1b.gguf --rounds 5
    bench/engines_agree.py MODEL.gguf --rounds 40 --repetitions 0    the two workers alone
    bench/engines_agree.py MODEL.gguf --rounds 3 --depth 512
"""

import argparse
import os
import statistics
import sys

from bench_tools import REPO, Report, add_common, device, device_of_its_own, device_words, llama_bench, speeds, sweetspot
from workers_in_turn import Loaded

PARTS = ("model_bytes", "context_bytes", "compute_bytes")


def config_of(args, layers):
    """llama.cpp's defaults at so many layers, as `profile --layers N -fa on` asks for them."""
    _, run = sweetspot(args, "profile", "--layers", layers, "-p", 8, "-n", 8, "-t", args.threads, "-fa", "on",
                       "-c", args.n_ctx, "--max-seconds", 0.1, "--full-depth", "never")
    wanted = [trial for trial in run["results"] if trial["requested_layers"] == [layers]]
    # llama-bench has the device beside it even for no layers, so the CPU alone stands for them only without one.
    beside_a_device = [trial for trial in wanted if trial["config"]["devices"] != ["none"]]
    return (beside_a_device or wanted)[-1]["config"], run


def bench(args, layers, rpc):
    args = argparse.Namespace(**{**vars(args), "rpc": rpc})
    _, rows = llama_bench(args, "-ngl", 999 if layers < 0 else layers, "-p", args.n_prompt, "-n", args.n_gen,
                          "-d", args.depth, "-r", args.repetitions, "-t", args.threads, "-fa", 1)
    return dict(zip(("prompt", "generation"), speeds(rows)))


def in_turn(args, pair, number):
    """Speeds and processor times of the linked worker and of the adapter, and what the linked one makes of all time, by what
    is measured: one prompt of the one, one of the other; then the same with a generation. Who begins changes every round."""
    order = pair if number % 2 else pair[::-1]
    taken, work, whole = {}, {}, {}
    for what, tokens in (("prompt", args.n_prompt), ("generation", args.n_gen)):
        for one in order:
            taken[what, one] = getattr(one, what)(tokens, args.depth)
            whole[what, one] = one.whole
            # A llama-server computes one token before those that are timed: a prompt is never empty.
            before = 1 if what == "generation" and one is pair[1] and args.depth == 0 else 0
            work[what, one] = one.cpu_ms * tokens / (tokens + before)
    return {what: ([taken[what, one] for one in pair], [work[what, one] for one in pair], whole[what, pair[0]])
            for what in ("prompt", "generation")}


def memory_lines(linked, adapter):
    """Bytes that differ, by device and part."""
    mine = {device["id"]: device for device in adapter}
    for theirs in linked:
        got = mine.get(theirs["id"])
        for part in PARTS:
            a, b = theirs[part], got[part] if got else 0
            yield f"  {theirs['id']:6} {part:14} {a:12} {b:12} {b - a:+10}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    add_common(parser)
    parser.add_argument("--engine", default=str(REPO / ".deps/llama/bin/llama-server"))
    parser.add_argument("--layers", default="0,-1", help="layer counts, each a config")
    parser.add_argument("--n-prompt", type=int, default=128)
    parser.add_argument("--n-gen", type=int, default=64)
    parser.add_argument("--depth", type=int, default=0)
    parser.add_argument("--n-ctx", type=int, default=4096)
    parser.add_argument("--repetitions", type=int, default=1, help="llama-bench's -r; 0 = without it")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.repetitions = 2, 1

    report = Report(args, "The adapter, the linked worker and llama-bench", "engines-agree.md")
    ratios, run = {}, None
    os.environ["SWEETSPOT_ENGINE"] = "linked"  # of what asks for a config; llama-server is the adapter's alone
    if args.rpc:
        sys.exit("--rpc: each of the three needs a server of its own, which this script starts by itself")
    with device(args), device_of_its_own(args) as second, device_of_its_own(args) as third:
        for layers in map(int, args.layers.split(",")):
            name = "all layers" if layers < 0 else f"{layers} layers"
            config, run = config_of(args, layers)
            pair = [Loaded(args, "sweetspot-worker", config, args.rpc), Loaded(args, "sweetspot-adapter", config, second)]
            in_turn(args, pair, 0)  # what is slow once, as a file that is read for the first time
            for number in range(1, args.rounds + 1):
                ours = in_turn(args, pair, number)
                theirs = bench(args, layers, third) if args.repetitions > 0 else {}
                for what, ((linked, adapter), (linked_ms, adapter_ms), whole) in ours.items():
                    if layers == 0 and args.no_rpc and min(linked_ms, adapter_ms) > 0:  # all is done by one process
                        ratios.setdefault((name, what + " by processor time", "adapter"), []).append(
                            linked_ms / adapter_ms)
                    ratios.setdefault((name, what, "adapter"), []).append(adapter / linked)
                    line = (f"{name}, round {number}: {what:10} linked {linked:8.2f} tok/s, adapter / linked "
                            f"{adapter / linked:.3f}")
                    if what in theirs:
                        ratios.setdefault((name, what, "llama-bench"), []).append(theirs[what] / whole)
                        line += f", llama-bench / linked by all time {theirs[what] / whole:.3f}"
                    report.say(line)
            report.say(f"{name}: bytes by the linked worker, by the adapter, difference")
            for line in memory_lines(*(one.memory for one in pair)):
                report.say(line)
            for one in pair:
                one.end()
        report.say()
        for (name, what, who), taken in ratios.items():
            report.say(f"{name}, {what}: median of {who} / linked {statistics.median(taken):.3f} ({min(taken):.3f} to "
                       f"{max(taken):.3f}), {len(taken)} rounds")
        report.write("The linked worker and the adapter are loaded side by side and take turns: a prompt of each, a "
                     "generation of each; then llama-bench, which loads anew. Round by round.", run, device_words(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
