#!/usr/bin/env python3
"""The plan against llama-server: every knob of tests/system/plan_truth.py on slices of the header fixtures, on
Vulkan's software device, on an RPC device and on both. Each config is planned, then a real llama-server is
started with it, and what it prints of its own buffers (to 0.01 MiB) and of its memory when it ends (whole MiB)
is compared for every device and kind of memory.

    bench/plan_truth.py [--bin build/bin] [--models zephyr-7b,...]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent


def judge(model, configs, environment, devices, rpc):
    """How many configs, how many that both refuse, and the differences found, as lines."""
    import server_memory
    from worker_client import Worker

    with Worker(environment, rpc) as worker:
        maps = worker.ask("map", path=str(model.path), configs=configs)["maps"]
    refused, differences = 0, []
    for config, planned in zip(configs, maps, strict=True):
        # The first one with the server's warm-up, which could make buffers grow.
        extra = [] if config == configs[0] else ["--no-warmup"]
        taken = server_memory.run_server(model.path, config, environment, devices, rpc, extra=extra)
        if not planned["memory"] and not taken.at_end:
            refused += 1
            continue
        differences += [f"  {config}: {one}"
                        for one in server_memory.differences(planned["memory"], taken)]
    return refused, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(REPO / "build/bin"))
    parser.add_argument("--models", default="")
    options = parser.parse_args()
    os.environ.update(SWEETSPOT_BIN_DIR=options.bin, SWEETSPOT_SOURCE_DIR=str(REPO))
    sys.path.insert(0, str(REPO / "tests/system"))
    import harness
    import plan_truth as truth
    from plan_truth_server_test import TOGETHER

    vulkan, why_not = truth.software_vulkan()
    print("model          devices       configs  refused by both  that differ")
    if vulkan is None:
        print(f"no Vulkan: {why_not}")
    plain = {**os.environ, **truth.NO_DEVICES}
    port = harness.free_port()
    address = f"127.0.0.1:{port}"
    server = subprocess.Popen([harness.SWEETSPOT, "serve", "--listen", address], env=plain,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        harness.wait_until_listening(port, server)
        with tempfile.TemporaryDirectory() as folder:
            for name in options.models.split(",") if options.models else truth.SLICE_BLOCKS:
                model = truth.make_slice(name, pathlib.Path(folder), plain)
                every = {device: [{**truth.BASE, **placement, **context}
                                  for placement, contexts in truth.placements(model, device)
                                  for context in contexts] for device in ("Vulkan0", "RPC0")}
                both = [{**truth.BASE, **config} for config in TOGETHER]
                for devices, configs, settings, rpc in (
                        (["Vulkan0"], every["Vulkan0"], vulkan, []),
                        (["RPC0"], every["RPC0"], {}, [address]),
                        (["Vulkan0", "RPC0"], both, vulkan, [address])):
                    if settings is None:
                        continue
                    refused, differences = judge(model, configs, {**plain, **settings}, set(devices), rpc)
                    print(f"{name:14} {'+'.join(devices):13} {len(configs):7} {refused:16} {len(differences):12}",
                          flush=True)
                    for line in differences:
                        print(line, flush=True)
                model.path.unlink()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
