#!/usr/bin/env python3
"""What slices predict for a model against llama-bench on the whole model.

Five placements (no layer, a quarter, half, three quarters, all) on this machine's CPU and, as the device,
the same CPU behind ggml's RPC on loopback. Prediction and truth take turns, because the machine drifts;
ratios are predicted / measured milliseconds per token. Without --model a 7B model of random weights (3.8
GiB) is made and removed afterwards. Needs -DSWEETSPOT_BENCH=ON and llama-bench:

    cmake --preset ci -DSWEETSPOT_BENCH=ON && cmake --build build
    bench/slices_truth.py
    bench/slices_truth.py --threads 1 --rounds 3 --model MODEL.gguf

A device that computes on the CPU's own cores takes time from it that belongs to no placement. With --apart the
device has the last core for itself and everything else the others, one thread each, as a GPU would be apart:

    bench/slices_truth.py --apart --rounds 3

On a busy machine --in-turn judges better: whole models in the five placements and slices take turns of a few
tokens, so that all meet the same machine, and quick samples (low quantiles) are those that nobody disturbed.
All five are in memory at once. With --judge the whole model's turns are those of llama-bench, which loads it anew
each time.

    bench/slices_truth.py --in-turn --threads 1 --rounds 25 --blocks 12 --share 0.35

But a core that wakes up computes more slowly for a while (on the virtual machine that this was written on, up to a
third), and with --apart each of the two wakes up for every token. With --one-core all of it, slices too, has one core,
one thread each: processor and device only ever take turns, as in llama.cpp's generation, and the core never sleeps:

    bench/slices_truth.py --one-core --huge-pages --rounds 5

How fast memory is read depends on where its pages lie: on a virtual machine that gives its free memory back, one
and the same model takes up to a tenth longer in one load than in the next, and no slice can know what the next load
will draw. --huge-pages takes the draw out: weights are read into memory instead of mapped, by all programs, in pages
of 2 MiB (glibc.malloc.hugetlb, glibc 2.35; needs "madvise" or "always" in
/sys/kernel/mm/transparent_hugepage/enabled).
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
GEOMETRY = ["--embd", "4096", "--ff", "11008", "--heads", "32", "--kv-heads", "32",
            "--vocab", "32000"]
NO_DEVICES = {"VK_DRIVER_FILES": "/dev/null", "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}


def output_of(command, environment):
    return subprocess.run([*map(str, command)], env=environment, check=True, capture_output=True,
                          text=True).stdout


def predict(args, model, rpc):
    return json.loads(output_of([args.bin / "slice_predictions", model, "-t", args.threads, "-p",
                                 args.n_prompt, "-n", args.n_gen, "--seconds", args.seconds,
                                 "--share", args.share,
                                 *(["--no-mmap"] if args.huge_pages else []),
                                 *(["--rpc", rpc] if rpc else [])], args.environment))


def bench_ms(args, model, rpc, layers, tokens, repetitions):
    """Milliseconds of each of llama-bench's repetitions."""
    rows = json.loads(output_of([args.llama_bench, "-m", model, *tokens, "-r", repetitions, "-t",
                                 args.threads, "-ngl", layers, "-o", "json",
                                 "--load-mode", "none" if args.huge_pages else "auto",
                                 *(["-rpc", rpc] if rpc else [])], args.environment))
    return [ns / 1e6 for ns in rows[0]["samples_ns"]]


def measure(args, model, rpc, layers, prompt):
    """Milliseconds per token, the median of llama-bench's repetitions."""
    tokens = ["-p", args.n_prompt, "-n", 0] if prompt else ["-p", 0, "-n", args.n_gen]
    each = bench_ms(args, model, rpc, layers, tokens, args.repetitions)
    return statistics.median(each) / (args.n_prompt if prompt else args.n_gen)


def use_cores(cores):
    """For what runs from here on in this process and below it."""
    os.sched_setaffinity(0, cores)


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


class Seat:
    """A worker with a slice or the whole model (no size) and some layers on an RPC server of its own: a
    server serves one client at a time."""

    def __init__(self, args, harness, model, size, layers):
        from worker_client import Worker
        self.size, self.layers, self.samples, self.server = size, layers, [], None
        rpc = []
        if layers > 0:
            port = harness.free_port()
            rpc = [f"127.0.0.1:{port}"]
            self.server = subprocess.Popen([harness.SWEETSPOT, "serve", "--listen", rpc[0], "-t",
                                            str(args.threads)], env=args.environment,
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            harness.wait_until_listening(port, self.server)
        self.worker = Worker(args.environment, rpc)
        cut = size and {"first_block": size["first_block"], "n_blocks": size["blocks"],
                        "vocab_rows": size["vocab_rows"]}
        config = {"n_gpu_layers": layers, "load_mode": "none" if args.huge_pages else "auto"}
        self.worker.ask("load", path=str(model), config=config, slice=cut)
        self.worker.ask("context", config={"n_ctx": 512, "n_threads": args.threads})

    def turn(self, count):
        """The first sample finds what others left in the caches."""
        self.samples += self.worker.measure(kind="generation", cache_tokens=0, tokens_per_pass=32,
                                            max_samples=count + 1)[1:]

    def end(self):
        self.worker.__exit__()
        if self.server:
            self.server.terminate()
            self.server.wait()


class JudgeSeat:
    """The whole model, loaded by llama-bench anew in each turn. All have one server: they take turns."""

    def __init__(self, args, model, layers, rpc):
        self.args, self.model, self.layers, self.samples = args, model, layers, []
        self.rpc = rpc if layers > 0 else None

    def turn(self, count):
        """One token a sample, as the worker's are."""
        self.samples += bench_ms(self.args, self.model, self.rpc, self.layers, ["-p", 0, "-n", 1],
                                 5 * count + 1)[1:]

    def end(self):
        pass


def times_by_layers(plan, info, ms):
    """As src/search/slice_model.cpp has it, from ms[place, size]."""
    blocks = [layer["bytes"] for layer in info["layers"]]
    small, large, rows, vocab = plan["small"], plan["large"], plan["rows"], info["n_vocab"]
    first = small["first_block"]

    def read(start, count):
        return sum(blocks[start:start + count])

    def line(place):
        per_byte = ((ms[place, "large"] - ms[place, "small"])
                    / read(first + small["blocks"], large["blocks"] - small["blocks"]))
        per_row = ((ms[place, "rows"] - ms[place, "small"])
                   / (rows["vocab_rows"] - small["vocab_rows"]) if rows else 0)
        rest = (ms[place, "small"] - read(first, small["blocks"]) * per_byte
                - small["vocab_rows"] * per_row)
        return per_byte, per_row, rest

    (cpu, cpu_row, cpu_rest), (device, device_row, device_rest) = line("cpu"), line("device")
    on_cpu = large["blocks"] - plan["mixed_blocks"]
    mixed_rest = (ms["mixed", "large"] - large["vocab_rows"] * device_row - read(first, on_cpu) * cpu
                  - read(first + on_cpu, plan["mixed_blocks"]) * device)
    n, whole = len(blocks), sum(blocks)
    times = [cpu_rest + vocab * cpu_row + whole * cpu]
    for layers in range(1, n + 1):
        left = read(0, n - layers + 1)
        times.append(mixed_rest + vocab * device_row + left * cpu + (whole - left) * device)
    return [*times, device_rest + vocab * device_row + whole * device]


def run_in_turn(args, harness, model, rpc):
    plan = predict(args, model, None)
    plan["mixed_blocks"] = max(1, plan["large"]["blocks"] // 2)
    seats = {}
    for name in ("small", "large", "rows"):
        if plan[name]:
            seats["cpu", name] = Seat(args, harness, model, plan[name], 0)
            seats["device", name] = Seat(args, harness, model, plan[name], plan[name]["blocks"] + 1)
    seats["mixed", "large"] = Seat(args, harness, model, plan["large"], 1 + plan["mixed_blocks"])
    info = seats["cpu", "small"].worker.ask("inspect", path=str(model), header_only=False)["model"]
    for layers in sorted({round((info["n_layer"] + 1) * share / 4) for share in range(5)}):
        seats["whole", layers] = (JudgeSeat(args, model, layers, rpc) if rpc
                                  else Seat(args, harness, model, None, layers))
    for number in range(args.rounds + 1):
        for (place, _), seat in seats.items():
            seat.turn(args.turn_tokens if place == "whole" else 4 * args.turn_tokens)
            if number == 0:
                seat.samples.clear()
    print("quantile  layers  predicted  measured  ratio   (ms per token)")
    for share in (0, 0.02, 0.05, 0.1, 0.5):
        at = {key: sorted(seat.samples)[int(share * (len(seat.samples) - 1))]
              for key, seat in seats.items()}
        predicted = times_by_layers(plan, info, at)
        for (place, layers), ms in at.items():
            if place == "whole":
                print(f"{share:8.2f} {layers:7} {predicted[layers]:10.2f} {ms:9.2f} "
                      f"{predicted[layers] / ms:6.3f}")
    print(f"slices of {plan['small']['blocks']} and {plan['large']['blocks']} of {info['n_layer']} blocks, "
          f"largest {plan['weight_share'] * 100:.1f} % of the weights; {args.rounds} rounds; load "
          f"{load_average():.1f}")
    for seat in seats.values():
        seat.end()


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
    parser.add_argument("--apart", action="store_true", help="the device has a core of its own; one thread each")
    parser.add_argument("--one-core", action="store_true", help="everything on one core; one thread each")
    parser.add_argument("--huge-pages", action="store_true", help="for the weights, in all programs")
    parser.add_argument("--in-turn", action="store_true", help="whole model and slices in turn")
    parser.add_argument("--judge", action="store_true", help="--in-turn with llama-bench for the whole model")
    parser.add_argument("--turn-tokens", type=int, default=3, help="of the whole model in a turn")
    parser.add_argument("--share", type=float, default=0.1, help="of the weights, for one slice")
    parser.add_argument("--blocks", type=int, default=32, help="of the model that is made")
    args = parser.parse_args()
    args.environment = {**os.environ, **NO_DEVICES}
    if args.huge_pages:
        args.environment["GLIBC_TUNABLES"] = "glibc.malloc.hugetlb=1"
    *ours, devices = sorted(os.sched_getaffinity(0))
    if args.one_core:
        args.threads = 1
        use_cores([devices])
    elif args.apart:
        if not ours:
            sys.exit("--apart needs two cores, there is one")
        args.threads = 1
        use_cores(ours)
    os.environ.update(SWEETSPOT_BIN_DIR=str(args.bin), SWEETSPOT_SOURCE_DIR=str(REPO))
    sys.path.insert(0, str(REPO / "tests/system"))
    import harness

    with tempfile.TemporaryDirectory() as folder:
        model = args.model or pathlib.Path(folder) / "7b.gguf"
        if not args.model:
            output_of([harness.SWEETSPOT, "synth", model, "--blocks", args.blocks, *GEOMETRY], args.environment)
        if args.in_turn and not args.judge:
            run_in_turn(args, harness, model, None)
            return
        if args.cpu_only:
            run(args, model, None)
            return
        port = harness.free_port()
        address = f"127.0.0.1:{port}"
        server = subprocess.Popen([harness.SWEETSPOT, "serve", "--listen", address, "-t",
                                   str(args.threads)], env=args.environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  preexec_fn=(lambda: use_cores([devices])) if args.apart else None)
        try:
            harness.wait_until_listening(port, server)
            (run_in_turn(args, harness, model, address) if args.judge else run(args, model, address))
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
