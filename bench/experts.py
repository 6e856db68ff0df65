#!/usr/bin/env python3
"""Does `sweetspot tune` find the right number of expert blocks for the CPU?

Makes a mixture of experts with random weights (qwen3moe, 24 blocks, 32 experts of which 4 are used, about
1.1 GB; kept in .deps/models), tunes it, and runs llama-bench over n_cpu_moe = 0 .. all blocks with all layers on
the device, and over no layers at all. What does not keep to 85 % of --vram-limit, as `sweetspot plan` has it, is
left out. The best of that sweep and the tune's winner are then measured in turn.

Where the device is this machine's own CPU behind RPC, --cpu-threads 1 makes it the faster of the two, or nothing
would be worth moving to it.

    bench/experts.py --vram-limit 1200MiB --cpu-threads 1 --max-minutes 10
    bench/experts.py --quick
"""

import argparse
import copy
import json
import sys
import time

from bench_tools import (REPO, Report, add_common, compare_in_turn, describe, device, device_words, ratio_text,
                         request_ms, sweetspot, timed)

GEOMETRY = {"--blocks": 24, "--embd": 1024, "--heads": 16, "--kv-heads": 4, "--experts": 32, "--experts-used": 4,
            "--expert-ff": 768, "--vocab": 32000}
SMALL = {"--blocks": 4, "--embd": 256, "--heads": 4, "--kv-heads": 2, "--experts": 8, "--experts-used": 2,
         "--expert-ff": 256, "--vocab": 512}


def make_model(args):
    folder = REPO / ".deps/models"
    path = folder / ("experts-tiny.gguf" if args.quick else "experts-1b.gguf")
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        geometry = SMALL if args.quick else GEOMETRY
        timed([args.sweetspot, "synth", path, "--arch", "qwen3moe", "--type", "q4_K",
               *(word for pair in geometry.items() for word in pair)])
    return path


def keeps_to_limit(args, placement, n_ctx):
    if not args.vram_limit or placement["n_gpu_layers"] == 0:
        return True
    _, text = timed([args.sweetspot, "plan", args.model, "--json", "-ngl", placement["n_gpu_layers"], "-ncmoe",
                     placement["n_cpu_moe"], "-c", n_ctx, "--vram-limit", args.vram_limit])
    plan = json.loads(text)
    limit = plan["budgets"]["devices"][0]["total_bytes"]
    used = sum(part["model_bytes"] + part["context_bytes"] + part["compute_bytes"]
               for part in plan["wanted"]["devices"] if part["id"] != "CPU")
    return used <= 0.85 * limit


def full_sweep(args, report, run):
    """The best of all n_cpu_moe, as a result that request_ms takes: the baseline's context, other placements."""
    baseline = run["results"][run["tune"]["baseline"]]
    layers, blocks = run["model"]["offloadable_layers"], run["model"]["n_layer"]
    best = None
    start = time.monotonic()
    report.say("layers  n_cpu_moe  ms per request")
    for n_gpu_layers, n_cpu_moe in [(0, 0), *((layers, kept) for kept in range(0, blocks + 1, args.every))]:
        result = copy.deepcopy(baseline)
        result["layers"] = n_gpu_layers
        result["config"].update(n_gpu_layers=n_gpu_layers, n_cpu_moe=n_cpu_moe)
        if not keeps_to_limit(args, result["config"], baseline["config"]["n_ctx"]):
            report.say(f"{n_gpu_layers:6} {n_cpu_moe:10}  takes more than 85 %")
            continue
        ms = request_ms(args, result, run["workload"], args.repetitions)
        report.say(f"{n_gpu_layers:6} {n_cpu_moe:10} {ms:15.0f}")
        if best is None or ms < best[0]:
            best = (ms, result)
    report.say(f"the sweep took {(time.monotonic() - start) / 60:.1f} minutes")
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="each k-th n_cpu_moe only")
    parser.add_argument("--max-minutes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3, help="llama-bench's -r")
    parser.add_argument("--cpu-threads", type=int, help="of the CPU's part; --threads is the RPC device's")
    parser.add_argument("--workload", default="256,128,0", help="prompt, generated, in the cache")
    add_common(parser)
    args = parser.parse_args()
    flags = []
    if args.quick:
        args.max_minutes, args.rounds, args.repetitions, args.workload = 0.2, 2, 1, "32,16,0"
        flags = ["--max-seconds", "0.5", "-c", "512"]
    if args.cpu_threads:
        flags += ["-t", args.cpu_threads]
    args.model = str(make_model(args))
    report = Report(args, "Experts on the CPU", "experts.md")
    prompt, gen, depth = args.workload.split(",")
    with device(args):
        seconds, run = sweetspot(args, "tune", "-p", prompt, "-n", gen, "-d", depth, "--max-minutes",
                                 args.max_minutes, *flags)
        tuned = run["tune"]
        report.say(f"tune: {len(run['results'])} trials in {seconds / 60:.1f} minutes: {tuned['verdict']}")
        if tuned["winner"] is None or tuned["baseline"] is None:
            sys.exit("the tune has no winner")
        winner = run["results"][tuned["winner"]]
        report.say(f"tune's winner:  {describe(winner)}")
        report.say()
        best = full_sweep(args, report, run)
        report.say(f"sweep's winner: {describe(best)}")
        if describe(best) == describe(winner):
            report.say("the same")
        else:
            pairs = compare_in_turn(args.rounds, lambda: request_ms(args, winner, run["workload"], args.repetitions),
                                    lambda: request_ms(args, best, run["workload"], args.repetitions))
            report.say(f"time of a request, tune's winner / sweep's winner: {ratio_text(pairs)}")
    report.write(f"A mixture of experts with random weights; {prompt} prompt and {gen} generated tokens, {depth} in "
                 "the cache. The sweep varies n_cpu_moe alone, with llama.cpp's default context; the tune varies all "
                 "knobs, so it may be faster than the sweep's best.", run, device_words(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
