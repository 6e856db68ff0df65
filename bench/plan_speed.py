#!/usr/bin/env python3
"""Configurations per second: one `sweetspot plan` over a grid against llama-fit-params, run for a sample of
the same configs. Interleaved round by round; medians. Without a device (the default) or on Vulkan's
software device (--vulkan):

    bench/plan_speed.py
    bench/plan_speed.py --vulkan
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parent.parent
HEADER = REPO / "tests/fixtures/headers/zephyr-7b.gguf"
NO_DEVICES = {"VK_DRIVER_FILES": "/dev/null", "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
CONTEXTS = (1024, 2048, 4096, 6144, 8192, 12288, 16384, 32768)
TYPES = ("f16", "q8_0", "q4_0")
SAMPLE = [(layers, n_ctx, kind) for layers, n_ctx in ((0, 1024), (11, 4096), (22, 16384), (33, 32768))
          for kind in TYPES]


def timed(command, environment):
    start = time.monotonic()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return (time.monotonic() - start) * 1000, done.stdout


def plan(args, header, contexts=CONTEXTS, types=TYPES):
    """Milliseconds of the whole command, process start included, and how many configs it answered."""
    command = [args.sweetspot, "plan", header, "--json", "-fa", "on", "--contexts",
               ",".join(map(str, contexts)), "--cache-types", ",".join(types)]
    elapsed_ms, text = timed([*map(str, command)], args.environment)
    return elapsed_ms, len(json.loads(text)["configs"])


def fit_params(args, model):
    elapsed_ms = 0
    for layers, n_ctx, kind in SAMPLE:
        elapsed_ms += timed([args.fit_params, "-m", str(model), "--fit-print", "on", "-ngl", str(layers),
                             "-c", str(n_ctx), "-ctk", kind, "-ctv", kind, "-fa", "on", "-np", "1"],
                            args.environment)[0]
    return elapsed_ms, len(SAMPLE)


def whole_model(args, folder):
    """llama-fit-params wants the file in full length; it may be a hole."""
    model = pathlib.Path(folder) / "model.gguf"
    shutil.copy(HEADER, model)
    plan_json = json.loads(timed([args.sweetspot, "plan", str(HEADER), "--json"], args.environment)[1])
    os.truncate(model, model.stat().st_size + plan_json["model"]["size_bytes"])
    return model


def compare(args, folder):
    model = whole_model(args, folder)
    rounds = []
    print("round  what               configs  total ms  ms per config  configs/s")
    for number in range(1, args.rounds + 1):
        speeds = {}
        for name, run in (("sweetspot plan", lambda: plan(args, HEADER)),
                          ("llama-fit-params", lambda: fit_params(args, model))):
            elapsed_ms, configs = run()
            speeds[name] = configs / elapsed_ms * 1000
            print(f"{number:5}  {name:17} {configs:8} {elapsed_ms:9.0f} {elapsed_ms / configs:14.2f}"
                  f" {speeds[name]:10.1f}", flush=True)
        rounds.append(speeds["sweetspot plan"] / speeds["llama-fit-params"])
    print(f"ratio of configs/s: median {statistics.median(rounds):.1f}, from {min(rounds):.1f} to "
          f"{max(rounds):.1f}, {len(rounds)} rounds")


def growth(args, folder):
    cases = []
    for blocks in (32, 63, 126):
        header = pathlib.Path(folder) / f"{blocks}.gguf"
        timed([args.sweetspot, "synth", str(header), "--blocks", str(blocks), "--embd", "4096", "--ff",
               "14336", "--heads", "32", "--kv-heads", "8", "--ctx-train", "32768", "--header-only",
               "--no-vocab"], args.environment)
        cases.append((f"{blocks} blocks", header, CONTEXTS))
    cases += [(f"{n} contexts", HEADER, CONTEXTS[:n]) for n in (1, 2, 4, 8)]
    seen = {name: [] for name, _, _ in cases}
    for _ in range(args.rounds):
        for name, header, contexts in cases:
            seen[name].append(plan(args, header, contexts))
    print("\ngrid          configs  total ms  ms per config   (medians)")
    for name, results in seen.items():
        elapsed_ms, configs = statistics.median(ms for ms, _ in results), results[0][1]
        print(f"{name:13} {configs:7} {elapsed_ms:9.0f} {elapsed_ms / configs:14.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vulkan", action="store_true", help="on Mesa's software device")
    parser.add_argument("--sweetspot", default=str(REPO / "build/bin/sweetspot"))
    parser.add_argument("--fit-params", default=str(REPO / ".deps/llama/bin/llama-fit-params"))
    args = parser.parse_args()
    args.environment = {**os.environ, **NO_DEVICES}
    if args.vulkan:
        drivers = sorted((REPO / ".deps/llama/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
        if not drivers:
            sys.exit("no software Vulkan driver: scripts/setup-llama.sh --with-vulkan brings one")
        args.environment |= {"VK_DRIVER_FILES": str(drivers[0]), "GGML_VK_VISIBLE_DEVICES": "0"}
    with tempfile.TemporaryDirectory() as folder:
        compare(args, folder)
        growth(args, folder)


if __name__ == "__main__":
    main()
