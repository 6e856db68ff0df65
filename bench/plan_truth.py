#!/usr/bin/env python3
"""Largest deviation per architecture, in bytes: `map` against a real load of a slice, every knob of
tests/system/plan_truth.py, on Vulkan's software device and on an RPC device.

    bench/plan_truth.py [--bin build/bin]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

REPO = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=str(REPO / "build/bin"))
    os.environ.update(SWEETSPOT_BIN_DIR=parser.parse_args().bin, SWEETSPOT_SOURCE_DIR=str(REPO))
    sys.path.insert(0, str(REPO / "tests/system"))
    import harness
    import plan_truth as truth

    vulkan, why_not = truth.software_vulkan()
    print("model          device   configs  refused by both  largest deviation (bytes)")
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
            for name in truth.SLICE_BLOCKS:
                model = truth.make_slice(name, pathlib.Path(folder), plain)
                for device, settings, rpc in (("Vulkan0", vulkan, []), ("RPC0", {}, [address])):
                    if settings is None:
                        continue
                    answers = list(truth.compare(model, truth.placements(model, device),
                                                 {**plain, **settings}, rpc))
                    refused = sum(each.planned is None and each.real is None for each in answers)
                    print(f"{name:14} {device:8} {len(answers):7} {refused:16} "
                          f"{max(each.largest_deviation_bytes for each in answers):26}", flush=True)
                model.path.unlink()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
