#!/usr/bin/env python3
"""Does `sweetspot profile --parallel N` measure what llama-batched-bench measures?

Runs both on the same config and workload, in turn (A B A B ...), for each number of sequences, and prints the
ratio of the speeds with which all sequences together generate (llama-batched-bench's S_TG) round by round, with
the medians. Example, after `make demo`:

    bench/agreement_with_batched_bench.py .deps/models/demo-1.1b.gguf --layers 0 --rounds 5
    bench/agreement_with_batched_bench.py MODEL.gguf --layers -1 --parallel 1 8 32 --n-depth 1024 --kv-unified
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent


def shared_flags(args, sequences):
    # Each of several sequences has a multiple of 256 cells in a split cache.
    each = -(-(args.n_depth + args.n_gen) // 256) * 256
    return ["-ngl", str(args.layers), "-c", str(each * sequences), "-fa", args.flash_attn,
            "-t", str(args.threads), "-kvu" if args.kv_unified else "-no-kvu"]


def batched_bench(args, sequences):
    command = [args.batched_bench, "-m", args.model, *shared_flags(args, sequences), "-npp", str(args.n_depth),
               "-ntg", str(args.n_gen), "-npl", str(sequences), "--output-format", "jsonl"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return rows[-1]["speed_tg"]


def sweetspot(args, sequences, folder):
    command = [args.sweetspot, "profile", args.model, *shared_flags(args, sequences), "-np", str(sequences),
               "-p", "0", "-n", str(args.n_gen), "-d", str(args.n_depth), "--max-seconds", str(args.max_seconds),
               "--full-depth", "never", "--json", "--no-store", "-o", str(pathlib.Path(folder) / "run.json")]
    run = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return run["results"][0]["generation"]["tokens_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--parallel", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--n-gen", type=int, default=64)
    parser.add_argument("--n-depth", type=int, default=128)
    parser.add_argument("--kv-unified", action="store_true", help="one cache that all sequences share")
    parser.add_argument("--flash-attn", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-seconds", type=float, default=20, help="sweetspot's time cap")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sweetspot", default=str(REPO / "build/bin/sweetspot"))
    parser.add_argument("--batched-bench", default=str(REPO / ".deps/llama/bin/llama-batched-bench"))
    args = parser.parse_args()

    ratios = {sequences: [] for sequences in args.parallel}
    print("round  sequences  sweetspot  batched-bench  ratio")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, args.rounds + 1):
            for sequences, values in ratios.items():
                ours = sweetspot(args, sequences, folder)
                theirs = batched_bench(args, sequences)
                values.append(ours / theirs)
                print(f"{number:5}  {sequences:9}  {ours:9.2f}  {theirs:13.2f}  {values[-1]:5.3f}", flush=True)
    for sequences, values in ratios.items():
        print(f"{sequences} sequences: median ratio {statistics.median(values):.3f}, "
              f"from {min(values):.3f} to {max(values):.3f}, {len(values)} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
