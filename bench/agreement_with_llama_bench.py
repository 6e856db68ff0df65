#!/usr/bin/env python3
"""Does `sweetspot profile` measure what llama-bench measures?

Runs both on the same config and workload, in turn (A B A B ...), and prints the ratio of their speeds
round by round, with the median. Interleaving cancels the drift of the machine; single speeds do not
compare. Example, after `make demo`:

    bench/agreement_with_llama_bench.py .deps/models/demo-1.1b.gguf --layers 0 --rounds 5
    bench/agreement_with_llama_bench.py MODEL.gguf --layers -1 --rpc 127.0.0.1:50052
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent


def llama_bench(args):
    command = [args.llama_bench, "-m", args.model, "-ngl", str(args.layers), "-p", str(args.n_prompt),
               "-n", str(args.n_gen), "-d", str(args.n_depth), "-r", str(args.repetitions),
               "-fa", args.flash_attn, "-t", str(args.threads), "-o", "json"]
    if args.rpc:
        command += ["-rpc", args.rpc]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    prompt = [row["avg_ts"] for row in rows if row["n_prompt"] > 0]
    generation = [row["avg_ts"] for row in rows if row["n_gen"] > 0]
    return (prompt[0] if prompt else None), generation[0]


def sweetspot(args, folder):
    command = [args.sweetspot, "profile", args.model, "--layers", str(args.layers), "-p",
               str(args.n_prompt), "-n", str(args.n_gen), "-d", str(args.n_depth), "-fa",
               args.flash_attn, "-t", str(args.threads), "--max-seconds", str(args.max_seconds),
               "--full-depth", "never", "--json", "--no-store", "-o",
               str(pathlib.Path(folder) / "run.json")]
    if args.rpc:
        command += ["--rpc", args.rpc]
    run = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    result = run["results"][0]
    prompt = result["prompt"]["tokens_per_second"] if result["prompt"] else None
    return prompt, result["generation"]["tokens_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--n-prompt", type=int, default=128)
    parser.add_argument("--n-gen", type=int, default=64)
    parser.add_argument("--n-depth", type=int, default=0)
    parser.add_argument("--flash-attn", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5, help="llama-bench's -r")
    parser.add_argument("--max-seconds", type=float, default=20, help="sweetspot's time cap")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rpc")
    parser.add_argument("--sweetspot", default=str(REPO / "build/bin/sweetspot"))
    parser.add_argument("--llama-bench", default=str(REPO / ".deps/llama/bin/llama-bench"))
    args = parser.parse_args()

    ratios = {"prompt": [], "generation": []}
    print("round  what        sweetspot  llama-bench  ratio")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, args.rounds + 1):
            ours = sweetspot(args, folder)
            theirs = llama_bench(args)
            for what, a, b in zip(ratios, ours, theirs):
                if a is None or b is None:
                    continue
                ratios[what].append(a / b)
                print(f"{number:5}  {what:10} {a:10.2f} {b:12.2f} {a / b:6.3f}", flush=True)
    for what, values in ratios.items():
        if values:
            print(f"{what}: median ratio {statistics.median(values):.3f}, "
                  f"from {min(values):.3f} to {max(values):.3f}, {len(values)} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
