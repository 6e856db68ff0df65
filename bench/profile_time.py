#!/usr/bin/env python3
"""How long `sweetspot profile` takes against measuring everything, and what it misses.

Three ways to the same answer, one after the other in every round:
  profile     `sweetspot profile MODEL`, the whole command
  llama-bench `llama-bench -ngl 0-<all> -p 512 -n 128 -r 5`, one process; with --every k only each k-th layer
              count (and the last) is run and the time is scaled to all, which the results say
  the note    the procedure that asked for this tool: eight loads (0, 10, 20, 30, 35, 40, 43, -1; what is above
              the model's layers means all, as llama.cpp clamps it), three generations of 256 tokens each, one
              process per load without a warm-up, and a fixed sleep of 2 s between loads
Then the regret: where profile and llama-bench's sweep disagree about a winner (of each band, of all that is
safe), both layer counts are measured again in turn, and the ratio of their times per token is printed.

    bench/profile_time.py .deps/models/demo-1.1b.gguf --every 4
    bench/profile_time.py .deps/models/demo-1.1b.gguf --vram-limit 900MiB --rounds 3
    bench/profile_time.py .deps/models/demo-1.1b.gguf --every 4 --engine .deps/llama/bin/llama-server --no-note
"""

import argparse
import statistics
import sys
import time

from bench_tools import (Report, add_common, compare_in_turn, device, device_words, llama_bench, ratio_text,
                         speeds, sweetspot)

NOTE_LAYERS = (0, 10, 20, 30, 35, 40, 43, -1)
BANDS = {"fast": (0, 50), "balanced": (50, 70), "performance": (70, 85.0001)}


def profile(args):
    return sweetspot(args, "profile", "-p", args.n_prompt, "-n", args.n_gen, "-t", args.threads,
                     *args.profile_flags)


def sweep_list(args, layers):
    return sorted({*range(0, layers + 1, args.every), layers})


def brute_force(args, layers):
    """Seconds of llama-bench over the list, scaled to all counts, and tokens per second by layer count."""
    counts = sweep_list(args, layers)
    seconds, rows = llama_bench(args, "-ngl", ",".join(map(str, counts)), "-p", args.n_prompt, "-n", args.n_gen,
                                "-r", args.repetitions, "-t", args.threads)
    found = {row["n_gpu_layers"]: row["avg_ts"] for row in rows if row["n_gen"] > 0}
    return seconds * (layers + 1) / len(counts), found


def note_procedure(args):
    start = time.monotonic()
    for number, layers in enumerate(args.note_layers):
        if number > 0:
            time.sleep(args.note_sleep)
        llama_bench(args, "-ngl", layers, "-p", 0, "-n", args.note_tokens, "-r", 3, "-t", args.threads,
                    "--no-warmup")
    return time.monotonic() - start


def questions(run):
    """Name, the winner of profile, and the layer counts that may win: by the predicted or measured memory."""
    curve = {point["layers"]: point for point in run["sweep"]["curve"]
             if point["standing"] != "does-not-fit"}
    percent = {layers: point["vram_percent"] or 0 for layers, point in curve.items()}
    for one in run["profiles"]:
        if one["name"] in BANDS and one["result"] is not None:
            low, high = BANDS[one["name"]]
            yield (one["name"], run["results"][one["result"]]["layers"],
                   {layers for layers, used in percent.items() if low <= used < high})
    if run["analysis"]["optimum"] is not None:
        yield ("optimum", run["results"][run["analysis"]["optimum"]]["layers"],
               {layers for layers, used in percent.items() if used <= 85})


def ms_per_token(args, layers):
    _, rows = llama_bench(args, "-ngl", layers, "-p", 0, "-n", args.n_gen, "-r", args.repetitions, "-t",
                          args.threads)
    return 1000 / speeds(rows)[1]


def regret(args, report, run, found):
    report.say()
    report.say("question      profile's winner  sweep's winner  time per token, profile's / sweep's")
    measured = {}
    for name, ours, members in questions(run):
        candidates = {layers: speed for layers, speed in found.items() if layers in members}
        if not candidates:
            report.say(f"{name:12} {ours:17}  {'-':>14}  no count of the sweep lies in it")
            continue
        best = max(candidates, key=candidates.get)
        if best == ours:
            report.say(f"{name:12} {ours:17}  {best:14}  1 (the same)")
            continue
        if (ours, best) not in measured:
            measured[ours, best] = compare_in_turn(args.regret_rounds, lambda: ms_per_token(args, ours),
                                                   lambda: ms_per_token(args, best))
        report.say(f"{name:12} {ours:17}  {best:14}  {ratio_text(measured[ours, best])}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--every", type=int, default=1, help="of llama-bench's sweep, each k-th layer count")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--regret-rounds", type=int, default=5)
    parser.add_argument("--no-note", action="store_true", help="leave the note's procedure out")
    parser.add_argument("--engine", help="profile with it, as sweetspot's: each context costs a load")
    add_common(parser)
    args = parser.parse_args()
    args.n_prompt, args.n_gen, args.repetitions = 512, 128, 5
    args.note_layers, args.note_tokens, args.note_sleep = NOTE_LAYERS, 256, 2
    args.profile_flags = []
    if args.quick:
        args.n_prompt, args.n_gen, args.repetitions, args.regret_rounds = 32, 16, 2, 2
        args.note_layers, args.note_tokens, args.note_sleep = (0, 20, -1), 16, 0.1
        args.profile_flags = ["-c", "512", "--max-seconds", "0.5"]
    if args.engine:
        args.profile_flags += ["--engine", args.engine]
    return args


def main():
    args = arguments()
    report = (Report(args, "The time a profile takes with a llama-server", "profile-time-engine.md") if args.engine
              else Report(args, "The time a profile takes", "profile-time.md"))
    ways = ["profile", "llama-bench"] + ([] if args.no_note else ["the note"])
    seconds = {way: [] for way in ways}
    with device(args):
        report.say("round  profile s  loads  llama-bench s" + ("" if args.no_note else "  the note s"))
        for number in range(1, args.rounds + 1):
            took, run = profile(args)
            layers = run["model"]["offloadable_layers"]
            swept, found = brute_force(args, layers)
            line = f"{number:5} {took:10.1f} {len(run['results']):6} {swept:14.1f}"
            seconds["profile"].append(took)
            seconds["llama-bench"].append(swept)
            if not args.no_note:
                seconds["the note"].append(note_procedure(args))
                line += f" {seconds['the note'][-1]:11.1f}"
            report.say(line)
        middle = {way: statistics.median(values) for way, values in seconds.items()}
        report.say("medians, in times of a profile: " +
                   ", ".join(f"{way} {middle[way] / middle['profile']:.2f}" for way in ways[1:]))
        regret(args, report, run, found)
    counts = sweep_list(args, layers)
    scaled = (f"llama-bench ran {len(counts)} of the {layers + 1} layer counts; its time is scaled to all of them, "
              "and only those can be its winners." if len(counts) <= layers else "llama-bench ran every layer count.")
    note = ("" if args.no_note else
            f" The note's procedure is {len(args.note_layers)} loads with three generations of {args.note_tokens} tokens "
            f"each, one process per load, and {args.note_sleep} s of sleep between them.")
    report.write("Whole commands, in turn, process starts and loads included. " + scaled + note, run, device_words(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
