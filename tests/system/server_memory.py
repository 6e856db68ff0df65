"""What a real llama-server says it took: the judge of every plan made for one.

With `-lv 4` it prints the size of every buffer when it makes it, to 0.01 MiB, and when it ends a table of
what each device then holds, in whole MiB.
"""

import contextlib
import dataclasses
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

from harness import LLAMA_PROGRAMS, MIB, free_port
from plan_truth import llama_flags

LLAMA_SERVER = LLAMA_PROGRAMS / "llama-server"
KINDS = {"model": "model_bytes", "KV": "context_bytes", "RS": "context_bytes",
         "compute": "compute_bytes"}
BUFFER = re.compile(r"(\S+) +(model|KV|RS|compute) buffer size = +([0-9.]+) MiB")
OUTPUTS = re.compile(r"n_outputs_max += (\d+)")
TABLE_ROW = re.compile(r"memory_breakdown_print: \| +- (\S+)[^|]*\|([^|]*)\|")
TABLE_SELF = re.compile(r"(\d+) = +(\d+) \+ +(\d+) \+ +(\d+)")


@dataclasses.dataclass
class Taken:
    """What a server took, by device id (CPU: the host); empty where it did not start."""

    buffers: dict  # (device, kind) -> MiB, summed over lines
    lines: dict    # (device, kind) -> how many lines that were
    at_end: dict   # (device, kind) -> whole MiB, the table at its end
    table_rows: dict  # (device, kind) -> how many rows that were
    outputs: int
    log: str


def device_of(buffer_name, devices):
    """RPC0[127.0.0.1:1] is RPC0; CPU_Mapped, CPU_REPACK, Vulkan_Host are the host's."""
    name = buffer_name.split("[")[0]
    return name if name in devices else "CPU"


def run_server(path, config, environment, devices, rpc=(), *, extra=()):
    port = free_port()
    command = [LLAMA_SERVER, *llama_flags(path, config, rpc), "--fit", "off", "-lv", "4", "--host",
               "127.0.0.1", "--port", str(port), *extra]
    # A file: nobody reads a pipe while the server starts, and a full one would stop it.
    with tempfile.NamedTemporaryFile(errors="backslashreplace", mode="w+") as log:
        server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=subprocess.STDOUT)
        try:
            end_when_healthy(server, port, log.name)
            server.wait(timeout=60)
        finally:
            server.kill()
            server.wait()
        return taken_from(whole_log(log.name), devices)


def whole_log(path, seconds=20):
    """Our wrapper passes what the server says on through another process, which ends a moment later."""
    deadline = time.monotonic() + seconds
    while True:
        text = pathlib.Path(path).read_text(errors="backslashreplace")
        if "memory_breakdown_print" in text or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    time.sleep(0.1)
    return pathlib.Path(path).read_text(errors="backslashreplace")


def end_when_healthy(server, port, log, seconds=90):
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(
                f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            # A test beside this one may have got the same port: its server answers, and says nothing of this one.
            if answer.status == 200 and "listening on" in pathlib.Path(log).read_text(errors="backslashreplace"):
                break
        time.sleep(0.02)
    if server.poll() is None:
        # The wrapper of the private prefix replaces itself by the server: one process.
        server.send_signal(signal.SIGINT)


def taken_from(log, devices):
    taken = Taken({}, {}, {}, {}, 0, log)
    for name, kind, mib in BUFFER.findall(log):
        key = device_of(name, devices), KINDS[kind]
        taken.buffers[key] = taken.buffers.get(key, 0) + float(mib)
        taken.lines[key] = taken.lines.get(key, 0) + 1
    if found := OUTPUTS.search(log):
        taken.outputs = int(found[1])
    for name, figures in TABLE_ROW.findall(log):
        if not (found := TABLE_SELF.search(figures)):
            continue
        for kind, mib in zip(("model_bytes", "context_bytes", "compute_bytes"), found.groups()[1:]):
            key = device_of(name, devices), kind
            taken.at_end[key] = taken.at_end.get(key, 0) + int(mib)
            taken.table_rows[key] = taken.table_rows.get(key, 0) + 1
    return taken


def differences(planned, taken):
    """One clause for each figure of a memory map that is not the server's, as exactly as it prints them."""
    ours = {(entry["id"], kind): entry[kind] / MIB for entry in planned
            for kind in ("model_bytes", "context_bytes", "compute_bytes")}
    found = []
    for key in sorted(ours.keys() | taken.buffers.keys()):
        mine, theirs = ours.get(key, 0), taken.buffers.get(key, 0)
        # Each line is rounded to 0.01; a buffer of next to nothing may have no line.
        if abs(mine - theirs) > 0.0051 * max(taken.lines.get(key, 0), 1):
            found.append(f"{key[0]} {key[1]}: planned {mine:.2f} MiB, the server took {theirs:.2f}")
        at_end, rows = taken.at_end.get(key, 0), taken.table_rows.get(key, 1)
        if not at_end <= mine + 0.01 < at_end + rows + 0.02:
            found.append(f"{key[0]} {key[1]}: planned {mine:.2f} MiB, at its end the server held {at_end}")
    return found
