#!/usr/bin/env python3
"""The whole product on a real accelerator, judged by others: the driver, llama-server and llama-bench.

    tests/hardware/gpu_check.py                          (make test-gpu; every device of this machine's llama.cpp)
    tests/hardware/gpu_check.py --allow-software         (without a GPU: Mesa's software Vulkan; leaves out what it has not)
    tests/hardware/gpu_check.py --parts a,c --output docs/results/gpu-<card>.md

Every figure goes to stdout as it comes and into one file (--output, default build/gpu-check.md) with the command and
the card. Exit code: 0 all within limits, 1 something is not, 77 there is no accelerator.
"""

import argparse
import contextlib
import ctypes
import datetime
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
MIB = 1 << 20
HEADERS = REPO / "tests/fixtures/headers"


class LeftOut(Exception):
    """A part that this machine cannot have, with the reason."""


class Check:
    """The device, the programs, and what was found."""

    def __init__(self, options, folder):
        import plan_truth
        self.options, self.folder = options, folder
        self.bin = pathlib.Path(options.bin)
        self.seconds = {}  # by part
        self.rows, self.environment = [], {**os.environ, "XDG_DATA_HOME": str(folder / "data")}
        self.software = False
        self.device = self.find_device()
        if self.device is None and options.allow_software:
            settings, why = plan_truth.software_vulkan()
            if settings is None:
                raise SystemExit(f"no accelerator, and no software device: {why}")
            # Its threads and ours on all cores would wait for each other, and every trial would be repeated for it.
            self.environment.update(settings, LP_NUM_THREADS="1")
            self.software = True
            self.device = self.find_device()
        if self.device is None:
            print("there is no accelerator here; --allow-software takes Mesa's software Vulkan", file=sys.stderr)
            raise SystemExit(77)
        self.nvidia = "NVIDIA" in self.device["description"] and have("nvidia-smi")

    # ---- programs

    def sweetspot(self, *arguments, check=True, timeout=480, env=None):
        done = subprocess.run([self.bin / "sweetspot", *map(str, arguments)], capture_output=True, text=True,
                              errors="backslashreplace", env={**self.environment, **(env or {})}, timeout=timeout,
                              stdin=subprocess.DEVNULL, cwd=self.folder, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"sweetspot {arguments[0]} ended with {done.returncode}: {done.stderr[-400:]}")
        return done

    def find_device(self):
        found = json.loads(self.sweetspot("devices", "--json").stdout)["devices"]
        wanted = [d for d in found if d["type"] in ("gpu", "igpu") and d["backend"] != "RPC"
                  and (not self.options.device or d["id"] == self.options.device)]
        real = [d for d in wanted if "llvmpipe" not in d["description"]]
        return (real or (wanted if self.software else [None]))[0]

    def model(self, name):
        """A model of one of the header fixtures with made-up weights; small without a real device."""
        path = self.folder / f"{name}.gguf"
        if not path.exists():
            if self.software:
                self.sweetspot("synth", path, "--blocks", "3", "--embd", "256", "--ff", "512", "--heads", "4",
                               "--kv-heads", "2", "--vocab", "2000", *expert_flags(name))
            else:
                self.sweetspot("synth", path, "--like", HEADERS / f"{name}.gguf")
        return path

    def profile(self, model, *arguments):
        out = self.folder / "run.json"
        done = self.sweetspot("profile", model, "--device", self.device["id"], "--json", "--no-store", "-o", out,
                              *self.threads(), *arguments, check=False)
        if done.returncode == 5 and self.software and "too uncertain" in done.stderr:
            raise LeftOut("others on the cores of the software device leave every speed too uncertain")
        if done.returncode != 0:
            raise AssertionError(f"sweetspot profile ended with {done.returncode}: {done.stderr[-400:]}")
        return json.loads(out.read_text())

    def threads(self):
        return ["-t", "1"] if self.software else []

    # ---- results

    def row(self, part, what, figure, good):
        self.rows.append((part, what, figure, "ok" if good else "NOT WITHIN"))
        print(f"{part}  {what:58} {figure:34} {'ok' if good else 'NOT WITHIN'}", flush=True)

    def note(self, part, why):
        self.rows.append((part, "left out", why, "-"))
        print(f"{part}  left out: {why}", flush=True)

    def within(self, percent):
        """Limits are for a device that is ours alone. The software one shares its cores with everything: its speeds
        are compared so that the comparison is known to work, and judged by nobody."""
        return percent / 100 if not self.software else 10


def have(program):
    return subprocess.run(["sh", "-c", f"command -v {program}"], capture_output=True, check=False).returncode == 0


def expert_flags(name):
    return ["--architecture", "qwen3moe", "--experts", "8", "--experts-used", "2"] if "a3b" in name else []


def smi(*fields):
    """nvidia-smi's values of the first card, as texts."""
    text = subprocess.run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"],
                          capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return dict(zip(fields, (value.strip() for value in text.split(","))))


def used_by_driver(check):
    """Bytes in use on the device, as its driver says; None where it does not."""
    if check.nvidia:
        return int(smi("memory.used")["memory.used"]) * MIB
    for path in pathlib.Path("/sys/class/drm").glob("card*/device/mem_info_vram_used"):
        return int(path.read_text())
    return None


# ---- (a) devices


def part_a(check):
    """`devices` says what the driver's own tool says."""
    shown = check.device
    check.row("a", "memory of the device, total", f"{shown['memory']['total_bytes'] / MIB:.0f} MiB",
              shown["memory"]["total_bytes"] > 0)
    if not check.nvidia:
        raise LeftOut("clocks, power and temperature are compared with nvidia-smi, which is not here")
    theirs = smi("memory.total", "memory.used", "clocks.gr", "clocks.mem", "power.limit", "temperature.gpu",
                 "pci.bus_id")
    status = shown["status"]
    for what, ours, value, tolerance in (
            ("memory total, MiB", status["memory_total_bytes"] / MIB, theirs["memory.total"], 1),
            ("memory used, MiB", status["memory_used_bytes"] / MIB, theirs["memory.used"], 64),
            ("graphics clock, MHz", status["graphics_clock_mhz"], theirs["clocks.gr"], 200),
            ("memory clock, MHz", status["memory_clock_mhz"], theirs["clocks.mem"], 200),
            ("power limit, W", status["power_limit_w"], theirs["power.limit"], 1),
            ("temperature, C", status["temperature_c"], theirs["temperature.gpu"], 4)):
        check.row("a", what, f"{ours} here, {value} nvidia-smi",
                  ours is not None and abs(float(ours) - float(value)) <= tolerance)
    ours, theirs = (shown["pci_bus_id"] or "").lower(), theirs["pci.bus_id"].lower()
    check.row("a", "PCI address", f"{ours} here, {theirs} nvidia-smi", theirs.endswith(ours[-10:]) and bool(ours))


# ---- (b) memory


class Peak:
    """The most that was in use on the device while it lives, read every 50 ms."""

    def __init__(self, check):
        self.check, self.most, self.stop = check, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.stop.wait(0.05):
            self.most = max(self.most, used_by_driver(self.check) or 0)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def part_b(check):
    """Plan, llama-server's own breakdown, and the rise that the driver sees."""
    import server_memory
    from worker_client import Worker

    model = check.model("zephyr-7b")
    device, every = check.device["id"], 99
    configs = [{"n_gpu_layers": layers, "n_ctx": n_ctx, **more} for layers, n_ctx, more in (
        (every, 2048, {}), (every, 8192, {}), (every, 8192, {"type_k": "q8_0", "type_v": "q8_0", "flash_attn": "on"}),
        (every, 8192, {"flash_attn": "off"}), (every, 2048, {"n_ubatch": 128}), (every, 8192, {"n_batch": 4096,
                                                                                             "n_ubatch": 2048}),
        (2, 2048, {}), (2, 8192, {}), (3, 8192, {"kv_offload": False}), (every, 8192, {"n_parallel": 4}),
        (every, 8192, {"n_parallel": 4, "kv_unified": True}), (every, 32768, {}), (0, 2048, {}), (1, 2048, {}),
        (every, 4096, {"n_cpu_ffn": 2}), (every, 1000, {}), (every, 2048, {"load_mode": "none"}),
        (3, 2048, {"load_mode": "mmap"}), (every, 16384, {"n_ubatch": 256}), (every, 4096, {"flash_attn": "on"}))]
    if check.software:
        configs = configs[:4]
    with Worker(check.environment) as worker:
        maps = worker.ask("map", path=str(model), configs=configs)["maps"]
    shares = []
    for config, planned in zip(configs, maps):
        before = used_by_driver(check)
        with Peak(check) as peak:
            taken = server_memory.run_server(model, config, check.environment, {device})
        wrong = server_memory.differences(planned["memory"], taken)
        check.row("b", " ".join(f"{key}={value}" for key, value in config.items())[:58],
                  "as the server says" if not wrong else "; ".join(wrong)[:200], not wrong)
        if before is not None:
            mine = sum(value for entry in planned["memory"] if entry["id"] == device
                       for key, value in entry.items() if key in ("model_bytes", "context_bytes", "compute_bytes"))
            shares.append((peak.most - before - mine) / MIB)
        time.sleep(0 if check.software else 0.5)
    if not shares:
        raise LeftOut("the driver does not tell what is in use: its rise was not compared")
    usual = statistics.median(shares)
    spread = max(abs(share - usual) for share in shares)
    check.row("b", "what the driver takes itself, and its spread", f"{usual:.0f} MiB, +-{spread:.0f}", spread <= 100)


# ---- (c) speed


def bench(check, model, layers, n_prompt, n_gen):
    done = subprocess.run([check.options.llama / "llama-bench", "-m", model, "-ngl", str(layers), "-p", str(n_prompt),
                           "-n", str(n_gen), "-fa", "auto", "-dev", check.device["id"], "-o", "json", "-r", "3", *check.threads()],
                          capture_output=True, text=True, check=True, env=check.environment)
    rows = json.loads(done.stdout)
    return ([row["avg_ts"] for row in rows if row["n_prompt"]][0], [row["avg_ts"] for row in rows if row["n_gen"]][0])


def part_c(check):
    """Generation and prompt speed against llama-bench, in turn."""
    model = check.model("zephyr-7b")
    n_prompt, n_gen = (64, 16) if check.software else (512, 128)
    for layers in (99,) if check.software else (99, 2):
        ratios = {"prompt": [], "generation": []}
        for _ in range(1 if check.software else 3):
            result = check.profile(model, "--layers", layers, "-p", n_prompt, "-n", n_gen, "-d", "0", "--full-depth",
                                   "never", "--max-seconds", "1.5" if check.software else "5")["results"][-1]
            prompt, generation = bench(check, model, layers, n_prompt, n_gen)
            ratios["prompt"].append(result["prompt"]["tokens_per_second"] / prompt)
            ratios["generation"].append(result["generation"]["tokens_per_second"] / generation)
        for what, values in ratios.items():
            middle = statistics.median(values)
            check.row("c", f"{what}, {layers} layers: ours / llama-bench", f"{middle:.3f} of {len(values)}",
                      abs(middle - 1) <= check.within(2))


# ---- (d) search, (e) slices


def speeds_by_layers(run):
    return {row["layers"]: row["generation"]["tokens_per_second"] for row in run["results"]
            if row["status"] == "measured"}


def part_d(check):
    """A whole profile against a table of every fourth count, on a pretended card, so that layers matter."""
    jobs = [("zephyr-7b", "6GiB")] if not check.software else [("zephyr-7b", None)]
    if not check.software:
        jobs += [("llama-2-13b", "8GiB"), ("qwen3-30b-a3b", "8GiB")]
    for name, limit in jobs:
        model = check.model(name)
        pretend = ["--vram-limit", limit] if limit else []
        time_each = ["-p", "64", *(["-n", "8", "--max-seconds", "0.5"] if check.software else
                                  ["-n", "64", "--max-seconds", "4"])]
        started = time.monotonic()
        quick = check.profile(model, *pretend, *time_each, *(["--slices", "never"] if check.software else []))
        took = time.monotonic() - started
        layers = "0,2,-1" if check.software else "0-99+4"
        table = speeds_by_layers(check.profile(model, "--layers", layers, "--full-depth", "never", *pretend, *time_each))
        found = speeds_by_layers(quick)
        chosen = quick["results"][quick["analysis"]["optimum"]]["layers"]
        regret = 1 - table.get(chosen, found[chosen]) / max(table.values())
        check.row("d", f"profile of {name} ({limit or 'whole device'}): regret", f"{100 * regret:.2f} %, {took:.0f} s",
                  regret <= check.within(2))
    model = check.model("zephyr-7b")
    out = check.folder / "tune.json"
    done = check.sweetspot("tune", model, "--device", check.device["id"], "-p", "64", "-n", "16", "-d", "0", "--max-minutes",
                    "0.1" if check.software else "1.5", "--no-store", "--json", "-o", out,
                    *([] if check.software else ["--vram-limit", "6GiB"]), check=not check.software)
    if check.software and done.returncode != 0:
        raise LeftOut(f"others on the cores of the software device: {done.stderr.strip().splitlines()[-1][:200]}")
    tune = json.loads(out.read_text())["tune"]
    check.row("d", "tune ends with a verdict", f"winner {tune['winner']}, {len(tune.get('rounds', []))} rounds", True)


def part_e(check):
    """What slices predict against whole loads."""
    if check.software:
        raise LeftOut("slices of a model this small lie in the processor's cache")
    run = check.profile(check.model("llama-2-13b"), "--slices", "always", "--vram-limit", "8GiB", "--max-seconds", "4")
    measured = {row["layers"]: 1e3 / row["generation"]["tokens_per_second"] for row in run["results"]
                if row["status"] == "measured"}
    ratios = [point["generation_ms_per_token"]["value"] / measured[point["layers"]] for point in run["sweep"]["curve"]
              if point["layers"] in measured and point["generation_ms_per_token"]]
    check.row("e", "time model with slices / whole loads", f"{min(ratios):.3f} to {max(ratios):.3f}",
              all(abs(ratio - 1) <= 0.05 for ratio in ratios))


# ---- (f) memory that is gone


@contextlib.contextmanager
def filled_device(check, leave_mib):
    """Another process holds the device but for so much."""
    model = check.model("zephyr-7b")
    free = (check.device["memory"]["free_bytes"] or 0) // MIB
    per_token = 0.125  # MiB of a 7B's f16 cache
    tokens = max(int((free - leave_mib - 5500) / per_token), 512) // 256 * 256
    port = free_port()
    server = subprocess.Popen([check.options.llama / "llama-server", "-m", model, "-ngl", "99", "-c", str(tokens),
                               "--host", "127.0.0.1", "--port", str(port), "--no-warmup", "--fit", "off", "-np", "1"],
                              env=check.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_healthy(server, port, 120)
        yield
    finally:
        server.terminate()
        server.wait(30)


def free_port():
    import harness
    return harness.free_port()


def wait_healthy(server, port, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"no healthy server on port {port}; exit code {server.poll()}")


def part_f(check):
    """Profiles measured on an empty card are launched on one that others have filled."""
    model = check.model("zephyr-7b")
    check.sweetspot("profile", model, "--device", check.device["id"], "--max-seconds", "1", "-p", "64", "-n", "16",
                    *check.threads(),
                    *(["--layers", "0,-1", "-c", "512"] if check.software else ["--layers", "0,2,-1", "-c", "2048"]),
                    check=not check.software)
    with contextlib.ExitStack() as stack:
        if not check.software:
            stack.enter_context(filled_device(check, leave_mib=1500))
        port = free_port()
        launch = subprocess.Popen([check.bin / "sweetspot", "launch", model, "--json", "--port", str(port), "--",
                                   check.options.llama / "llama-server"], env=check.environment, cwd=check.folder,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        events, healthy = [], None
        reader = threading.Thread(target=lambda: events.extend(
            json.loads(line) for line in launch.stderr if line.startswith('{"event"')))
        reader.start()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and healthy is None and launch.poll() is None:
            healthy = next((event for event in list(events) if event["event"] == "healthy"), None)
            time.sleep(0.1)
        launch.terminate()
        launch.wait(30)
        reader.join()
    check.row("f", "launch where another process has filled the card" if not check.software else "launch",
              f"healthy: {healthy and healthy['profile']}, {healthy and healthy['depth_tokens']} tokens deep",
              healthy is not None and (check.software or healthy["depth_tokens"] is not None))
    run = check.profile(model, "--layers", "-1", "-c", "1024" if check.software else "4096", "--full-depth", "always",
                        "--max-seconds", "1")
    state = run["results"][-1]["full_depth"]["state"]
    check.row("f", "first decode at full depth", state, state == "verified")


# ---- (g) disturbances, (h) energy, (i) choose


def part_g(check):
    """A neighbour that computes on the device is seen."""
    if check.software:
        raise LeftOut("the software device has no driver that tells of neighbours")
    model = check.model("zephyr-7b")
    neighbour = subprocess.Popen([check.options.llama / "llama-bench", "-m", model, "-ngl", "99", "-p", "512", "-n", "256",
                                  "-r", "50"], env=check.environment, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
    try:
        time.sleep(10)
        run = check.profile(model, "--layers", "-1", "--max-seconds", "3", "--full-depth", "never")
    finally:
        neighbour.kill()
        neighbour.wait()
    row = run["results"][-1]
    check.row("g", "a neighbour on the device", ", ".join(row["disturbances"]) or "not seen",
              "contended" in row["disturbances"])
    telemetry = row["telemetry"]
    check.row("g", "clocks while measuring", json.dumps(telemetry.get("graphics_clock_mhz"))[:60],
              telemetry.get("graphics_clock_mhz") is not None)


def energy_mj():
    """NVML's energy counter of the first card."""
    nvml = ctypes.CDLL("libnvidia-ml.so.1")
    handle, value = ctypes.c_void_p(), ctypes.c_ulonglong()
    nvml.nvmlInit_v2()
    code = nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle))
    code = code or nvml.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(value))
    if code != 0:
        raise LeftOut(f"this card has no energy counter (NVML error {code})")
    return value.value


def part_h(check):
    """Energy per token against the card's counter, read by hand."""
    if not check.nvidia:
        raise LeftOut("the energy counter is read through NVML")
    model = check.model("zephyr-7b")
    run = check.profile(model, "--layers", "-1", "--max-seconds", "6", "-p", "0", "-n", "256", "--full-depth", "never",
                        "--precision", "0.1%")
    ours = run["results"][-1]["generation"]["joules_per_token"]
    before, start = energy_mj(), time.monotonic()
    _, speed = bench(check, model, 99, 512, 512)
    watts = (energy_mj() - before) / 1e3 / (time.monotonic() - start)
    check.row("h", "joules per token here; mean power / speed of llama-bench", f"{ours}; {watts / speed:.3f}",
              ours is not None and 0.5 < ours / (watts / speed) < 2)


def part_i(check):
    """`choose`, warm and cold."""
    model = check.model("zephyr-7b")
    times = []
    for _ in range(6):
        start = time.monotonic()
        check.sweetspot("choose", model)
        times.append(1e3 * (time.monotonic() - start))
    warm = statistics.median(times[1:])
    check.row("i", "choose, first and then", f"{times[0]:.0f} ms, {warm:.0f} ms", warm < (2000 if check.software else 500))


PARTS = {name[-1]: value for name, value in list(globals().items()) if re.fullmatch(r"part_[a-i]", name)}


def write_results(check, options, seconds):
    failed = sum(state == "NOT WITHIN" for *_, state in check.rows)
    lines = [f"# {check.device['description']} ({check.device['id']}, {check.device['backend']})", "",
             f"`{' '.join(map(shlex.quote, ['tests/hardware/gpu_check.py', *sys.argv[1:]]))}`, "
             f"{datetime.date.today()}, {seconds:.0f} s "
             f"({', '.join(f'{name} {took:.0f}' for name, took in check.seconds.items())}), {failed} not within their limits."]
    if check.software:
        lines += ["", "A software device: this says that the checks work, nothing of a GPU."]
    lines += ["", "| part | what | figure | |", "| --- | --- | --- | --- |"]
    lines += ["| " + " | ".join(str(cell).replace("|", "/") for cell in row) + " |" for row in check.rows]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n")
    print(f"{failed} not within their limits; all figures: {options.output}")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--allow-software", action="store_true")
    parser.add_argument("--parts", default="".join(sorted(PARTS)), help="such as a,c")
    parser.add_argument("--device", help="ggml's name, such as CUDA0 (default: the first)")
    parser.add_argument("--bin", default=str(REPO / "build/bin"), help="where sweetspot and its worker are")
    parser.add_argument("--llama", type=pathlib.Path, default=REPO / ".deps/llama/bin", help="llama.cpp's programs")
    parser.add_argument("--output", type=pathlib.Path, default=REPO / "build/gpu-check.md")
    options = parser.parse_args()
    os.environ.update(SWEETSPOT_BIN_DIR=options.bin, SWEETSPOT_SOURCE_DIR=str(REPO),
                      SWEETSPOT_LLAMA_PROGRAMS=str(options.llama))
    sys.path.insert(0, str(REPO / "tests/system"))
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sweetspot-gpu-") as folder:
        check = Check(options, pathlib.Path(folder))
        print(f"{check.device['description']} ({check.device['id']}, {check.device['backend']})")
        for name in options.parts.replace(",", ""):
            began = time.monotonic()
            try:
                PARTS[name](check)
            except LeftOut as why:
                check.note(name, str(why))
            except Exception as problem:  # one part that breaks must not lose the others' figures
                check.row(name, "broke off", f"{type(problem).__name__}: {problem}"[:300], False)
            check.seconds[name] = time.monotonic() - began
        sys.exit(write_results(check, options, time.monotonic() - start))


if __name__ == "__main__":
    main()
