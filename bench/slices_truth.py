#!/usr/bin/env python3
"""What slices predict for a model against llama-bench on the whole model.

Five placements (no layer, a quarter, half, three quarters, all) on this machine's CPU and, as the device,
the same CPU behind ggml's RPC on loopback. Prediction and truth take turns, because the machine drifts;
ratios are predicted / measured milliseconds per token. Without --model a 7B model of random weights (3.8
GiB) is made and removed afterwards. Needs -DSWEETSPOT_BENCH=ON and llama-bench:

    cmake --preset ci -DSWEETSPOT_BENCH=ON && cmake --build build
    bench/slices_truth.py
    bench/slices_truth.py --threads 1 --rounds 3 --model MODEL.gguf
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent
GEOMETRY = ["--blocks", "32", "--embd", "4096", "--ff", "11008", "--heads", "32", "--kv-heads", "32",
            "--vocab", "32000"]
NO_DEVICES = {"VK_DRIVER_FILES": "/dev/null", "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}


def output_of(command, environment):
    return subprocess.run([*map(str, command)], env=environment, check=True, capture_output=True,
                          text=True).stdout


def predict(args, model, rpc):
    return json.loads(output_of([args.bin / "slice_predictions", model, "-t", args.threads, "-p",
                                 args.n_prompt, "-n", args.n_gen, "--seconds", args.seconds,
                                 *(["--rpc", rpc] if rpc else [])], args.environment))


def measure(args, model, rpc, layers, prompt):
    """Milliseconds per token, the mean of llama-bench's repetitions."""
    tokens = ["-p", args.n_prompt, "-n", 0] if prompt else ["-p", 0, "-n", args.n_gen]
    rows = json.loads(output_of([args.llama_bench, "-m", model, *tokens, "-r", args.repetitions, "-t",
                                 args.threads, "-ngl", layers, "-o", "json",
                                 *(["-rpc", rpc] if rpc else [])], args.environment))
    return statistics.median(rows[0]["samples_ns"]) / 1e6 / (args.n_prompt if prompt else args.n_gen)


def load_average():
    return os.getloadavg()[0]


def compare(args, model, rpc, kind, prediction, layers, number):
    low_to_high = prediction[f"{kind}_ms"]
    if layers >= len(low_to_high):
        return None
    value, low, high = low_to_high[layers]
    truth = measure(args, model, rpc, layers, kind == "prompt")
    inside = "yes" if low <= truth <= high else "no"
    print(f"{number:5}  {kind:10} {layers:6} {value:10.2f}  {low:8.2f} {high:8.2f} {truth:9.2f} "
          f"{value / truth:6.3f}  {inside:6} {load_average():5.1f}", flush=True)
    return value / truth, inside == "yes"


def run(args, model, rpc):
    found = {}
    print("round  what       layers  predicted     from       to  measured  ratio  inside  load")
    for number in range(1, args.rounds + 1):
        prediction = predict(args, model, rpc)
        last = max(0, len(prediction["generation_ms"]) - 1)
        places = sorted({round(last * share / 4) for share in range(5)})
        for kind in ("generation", "prompt"):
            for layers in places:
                one = compare(args, model, rpc, kind, prediction, layers, number)
                if one:
                    found.setdefault((kind, layers), []).append(one)
    for (kind, layers), each in found.items():
        ratios = [ratio for ratio, _ in each]
        print(f"{kind} {layers} layers: median ratio {statistics.median(ratios):.3f}, from "
              f"{min(ratios):.3f} to {max(ratios):.3f}, {sum(inside for _, inside in each)} of "
              f"{len(each)} inside their interval")
    print(f"largest slice: {prediction['weight_share'] * 100:.1f} % of the weights; small slice reads "
          f"{prediction['small_read_bytes'] / 1e6:.0f} MB per token, cache "
          f"{prediction['cache_bytes'] / 1e6:.0f} MB; last prediction took "
          f"{prediction['load_seconds'] + prediction['measure_seconds']:.0f} s, {prediction['rounds']}"
          " rounds")
    print(json.dumps(prediction["generation_costs"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=REPO / "build/bin")
    parser.add_argument("--llama-bench", default=REPO / ".deps/llama/bin/llama-bench")
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--n-gen", type=int, default=32)
    parser.add_argument("--n-prompt", type=int, default=0, help="0: generation only")
    parser.add_argument("--repetitions", type=int, default=3, help="llama-bench's -r")
    parser.add_argument("--seconds", type=float, default=60, help="of measuring slices")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cpu-only", action="store_true", help="no device: layer 0 alone")
    args = parser.parse_args()
    args.environment = {**os.environ, **NO_DEVICES}
    os.environ.update(SWEETSPOT_BIN_DIR=str(args.bin), SWEETSPOT_SOURCE_DIR=str(REPO))
    sys.path.insert(0, str(REPO / "tests/system"))
    import harness

    with tempfile.TemporaryDirectory() as folder:
        model = args.model or pathlib.Path(folder) / "7b.gguf"
        if not args.model:
            output_of([harness.SWEETSPOT, "synth", model, *GEOMETRY], args.environment)
        if args.cpu_only:
            run(args, model, None)
            return
        port = harness.free_port()
        address = f"127.0.0.1:{port}"
        server = subprocess.Popen([harness.SWEETSPOT, "serve", "--listen", address, "-t",
                                   str(args.threads)], env=args.environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            harness.wait_until_listening(port, server)
            run(args, model, address)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
