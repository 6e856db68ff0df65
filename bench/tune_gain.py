#!/usr/bin/env python3
"""What `sweetspot tune` gains, measured by somebody else: llama-bench.

For each workload the tune runs once; then its winner and llama.cpp's defaults (placed as --fit on would, which
is the tune's baseline) are measured in turn by llama-bench at the same flags, several rounds, and the ratio of
their times per request is printed beside what the tune said itself.

    bench/tune_gain.py .deps/models/demo-1.1b.gguf --max-minutes 10
    bench/tune_gain.py .deps/models/demo-1.1b.gguf --divide 4 --vram-limit 900MiB --workloads chat

llama-bench has a context as long as the workload, the tune the one that it was given.
"""

import argparse
import sys

from bench_tools import (Report, add_common, compare_in_turn, describe, device, device_words, ratio_text,
                         request_ms, sweetspot)

PRESETS = {"chat": (256, 256, 1024), "rag": (2048, 256, 0), "code": (1024, 512, 2048), "agent": (512, 256, 6144)}


def tune(args, workload):
    flags = ["--workload", workload, "--max-minutes", args.max_minutes, *args.tune_flags]
    if args.divide > 1:
        prompt, gen, depth = (number // args.divide for number in PRESETS[workload])
        flags += ["-p", prompt, "-n", gen, "-d", depth]
    return sweetspot(args, "tune", *flags)


def compare(args, report, workload):
    seconds, run = tune(args, workload)
    tuned, results = run["tune"], run["results"]
    asked = run["workload"]
    report.say(f"{workload}: {asked['n_prompt']} prompt and {asked['n_gen']} generated tokens, {asked['n_depth']} in "
               f"the cache; {len(results)} trials in {seconds / 60:.1f} minutes")
    report.say(f"  tune says: {tuned['verdict']}")
    if tuned["baseline"] is None or tuned["winner"] is None:
        return run
    # The first trial of the baseline; it is the same config as in the final rounds.
    defaults, winner = results[tuned["baseline"]], results[tuned["winner"]]
    report.say(f"  defaults: {describe(defaults)}" if defaults["effective"] else "  defaults: failed")
    report.say(f"  winner:   {describe(winner)}")
    if not defaults["effective"]:
        return run
    if tuned["baseline"] == tuned["winner"] or describe(defaults) == describe(winner):
        report.say("  llama-bench: not asked, the defaults won")
        return run
    pairs = compare_in_turn(args.rounds, lambda: request_ms(args, defaults, asked, args.repetitions),
                            lambda: request_ms(args, winner, asked, args.repetitions))
    for number, (ours, theirs) in enumerate(pairs, 1):
        report.say(f"  round {number}: defaults {ours:9.0f} ms, winner {theirs:9.0f} ms, ratio {ours / theirs:.3f}")
    report.say(f"  llama-bench says: {ratio_text(pairs)} times as fast")
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--workloads", default="chat,rag")
    parser.add_argument("--divide", type=int, default=1, help="divide the workloads' numbers by this")
    parser.add_argument("--max-minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3, help="llama-bench's -r")
    add_common(parser)
    args = parser.parse_args()
    args.tune_flags = []
    if args.quick:
        args.divide, args.max_minutes, args.rounds, args.repetitions = 16, 0.2, 2, 1
        args.tune_flags = ["--max-seconds", "0.5"]
    report = Report(args, "What a tune gains", "tune-gain.md")
    with device(args):
        for workload in args.workloads.split(","):
            run = compare(args, report, workload)
    scaled = f" The workloads' numbers were divided by {args.divide}." if args.divide > 1 else ""
    report.write("The winner of `sweetspot tune` and llama.cpp's defaults (placed as `--fit on` would), measured in "
                 "turn by llama-bench at the same flags; times of whole requests." + scaled, run,
                 device_words(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
