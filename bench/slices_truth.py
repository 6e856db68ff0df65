#!/usr/bin/env python3
"""What slices predict for a model against llama-bench on the whole model.

Five placements (no layer, a quarter, half, three quarters, all) on this machine's CPU and, as the device,
the same CPU behind ggml's RPC on loopback. Prediction and truth take turns, because the machine drifts;
ratios are predicted / measured milliseconds per token. Without --model a 7B model of random weights (3.8
GiB) is made and removed afterwards. Needs -DSWEETSPOT_BENCH=ON and llama-bench:

    cmake --preset ci -DSWEETSPOT_BENCH=ON && cmake --build build
    bench/slices_truth.py
    bench/slices_truth.py --threads 1 --rounds 3 --model MODEL.gguf

On a busy machine --in-turn judges better: the whole model takes its turn beside the slices on the CPU, a few
tokens each, so that all meet the same machine. Quick samples (low quantiles) are those that nobody disturbed.

    bench/slices_truth.py --in-turn --threads 1 --rounds 25
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


def load_seats(args, model, plan):
    """A worker with the whole model, and one for each slice of a prediction's plan."""
    from worker_client import Worker
    seats = {}
    for name in ("small", "large", "rows", "whole"):
        if plan.get(name) is None and name != "whole":
            continue
        seats[name] = Worker(args.environment)
        seats[name].ask("load", path=str(model), config={"n_gpu_layers": 0}, slice=plan.get(name))
        seats[name].ask("context", config={"n_ctx": 512, "n_threads": args.threads})
    return seats


def predict_whole(plan, layer_bytes, vocab, times):
    """t(0) as src/search/slice_model.cpp has it."""
    def read(size):
        return sum(layer_bytes[size["first_block"]:size["first_block"] + size["blocks"]])
    small, large, rows = plan["small"], plan["large"], plan["rows"]
    per_byte = (times["large"] - times["small"]) / (read(large) - read(small))
    output = (times["rows"] - times["small"]) / (rows["vocab_rows"] - small["vocab_rows"]) if rows else 0
    return (times["small"] + (sum(layer_bytes) - read(small)) * per_byte
            + (vocab - small["vocab_rows"]) * output)


def run_in_turn(args, model):
    plan = predict(args, model, None)
    for name in ("small", "large", "rows"):
        if plan[name]:
            plan[name]["n_blocks"] = plan[name]["blocks"]
    seats = load_seats(args, model, plan)
    info = seats["whole"].ask("inspect", path=str(model), header_only=False)["model"]
    layer_bytes = [layer["bytes"] for layer in info["layers"]]
    samples, ratios = {name: [] for name in seats}, []
    whole_ms = plan["generation_ms"][0][0]
    for number in range(args.rounds + 1):
        means = {}
        for name, worker in seats.items():
            share = 1 if name == "whole" else sum(layer_bytes[:plan[name]["blocks"]]) / sum(layer_bytes)
            count = max(3, round(500 / (whole_ms * share)))
            times = worker.measure(kind="generation", cache_tokens=0, tokens_per_pass=32,
                                   max_samples=count + 1)[1:]
            means[name] = statistics.mean(times)
            if number > 0:  # the first round warms up
                samples[name] += times
        if number > 0:
            ratios.append(predict_whole(plan, layer_bytes, info["n_vocab"], means) / means["whole"])
    print("samples     " + "".join(f"{name:>9}" for name in seats) + "  predicted  ratio   (ms per token)")
    for share in (0, 0.02, 0.05, 0.1, 0.25, 0.5):
        at = {name: sorted(times)[int(share * (len(times) - 1))] for name, times in samples.items()}
        predicted = predict_whole(plan, layer_bytes, info["n_vocab"], at)
        print(f"quantile {share:4.2f}" + "".join(f"{ms:9.2f}" for ms in at.values())
              + f" {predicted:9.2f}  {predicted / at['whole']:6.3f}")
    print(f"means of bursts, round by round: median ratio {statistics.median(ratios):.3f}, from "
          f"{min(ratios):.3f} to {max(ratios):.3f}, {len(ratios)} rounds; load {load_average():.1f}")
    for worker in seats.values():
        worker.__exit__()


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
    parser.add_argument("--in-turn", action="store_true", help="whole model and slices in turn, CPU only")
    args = parser.parse_args()
    args.environment = {**os.environ, **NO_DEVICES}
    os.environ.update(SWEETSPOT_BIN_DIR=str(args.bin), SWEETSPOT_SOURCE_DIR=str(REPO))
    sys.path.insert(0, str(REPO / "tests/system"))
    import harness

    with tempfile.TemporaryDirectory() as folder:
        model = args.model or pathlib.Path(folder) / "7b.gguf"
        if not args.model:
            output_of([harness.SWEETSPOT, "synth", model, *GEOMETRY], args.environment)
        if args.in_turn:
            run_in_turn(args, model)
            return
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
