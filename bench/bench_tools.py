"""What the benchmarks of the search share: the loopback device, llama-bench, and how results are written."""

import contextlib
import datetime
import json
import os
import pathlib
import platform
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parent.parent


def add_common(parser):
    parser.add_argument("--rpc", help="an RPC server that runs already (default: one on loopback, started here)")
    parser.add_argument("--no-rpc", action="store_true", help="use this machine's own devices")
    parser.add_argument("--vram-limit", help="as sweetspot's: pretend that no device is larger")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--quick", action="store_true", help="to try the script out: the figures mean nothing")
    parser.add_argument("--output", type=pathlib.Path,
                        help="where the results go (default: docs/results, with --quick nowhere)")
    parser.add_argument("--sweetspot", default=str(REPO / "build/bin/sweetspot"))
    parser.add_argument("--llama-bench", default=str(REPO / ".deps/llama/bin/llama-bench"))


@contextlib.contextmanager
def rpc_server(args):
    """The address of a server of this machine's processor, which serves one at a time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([args.sweetspot, "serve", "--listen", f"127.0.0.1:{port}", "-t", str(args.threads)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if time.monotonic() > deadline or server.poll() is not None:
                sys.exit("the RPC server did not start")
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@contextlib.contextmanager
def device_of_its_own(args):
    """Another server like args.rpc for what is loaded beside it, as one serves one at a time; None without a device."""
    if not args.rpc:
        yield None
        return
    with rpc_server(args) as address:
        yield address


@contextlib.contextmanager
def device(args):
    """Sets args.rpc to the device that is measured, or to None for the machine's own."""
    if args.no_rpc or args.rpc:
        yield
        return
    with rpc_server(args) as args.rpc:
        yield


UNCERTAIN = 5  # sweetspot's exit code where nothing is certain enough to recommend: the rows are there all the same


def timed(command, may_end_with=(0,)):
    """Seconds of the whole command and its stdout."""
    start = time.monotonic()
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode not in may_end_with:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stderr[-2000:]}\nended with {done.returncode}")
    return time.monotonic() - start, done.stdout


def sweetspot(args, command, *flags):
    """Seconds and the run of `profile` or `tune`."""
    words = [args.sweetspot, command, args.model, "--json", "--no-store", *flags]
    if args.rpc:
        words += ["--rpc", args.rpc]
    if args.vram_limit:
        words += ["--vram-limit", args.vram_limit]
    with tempfile.TemporaryDirectory() as folder:
        seconds, text = timed([*words, "-o", pathlib.Path(folder, "run.json")], may_end_with=(0, UNCERTAIN))
    return seconds, json.loads(text)


def llama_bench(args, *flags):
    """Seconds and the rows of one llama-bench process."""
    words = [args.llama_bench, "-m", args.model, "-o", "json", *flags]
    if args.rpc:
        words += ["-rpc", args.rpc]
    seconds, text = timed(words)
    return seconds, json.loads(text)


def speeds(rows):
    """Tokens per second of the prompt and of the generation; None where not asked for."""
    prompt = [row["avg_ts"] for row in rows if row["n_prompt"] > 0 and row["n_gen"] == 0]
    generation = [row["avg_ts"] for row in rows if row["n_gen"] > 0]
    return (prompt[0] if prompt else None), (generation[0] if generation else None)


# ---- whole requests ---------------------------------------------------------------------------------


def keep_ffn_on_cpu(blocks):
    """llama-bench has no -ncffn; this is what llama.cpp makes of it."""
    return "blk\\.(" + "|".join(map(str, range(blocks))) + ")\\.ffn_(up|down|gate)\\.=CPU"


def placement_flags(config, layers):
    flags = ["-ngl", layers, "-ncmoe", config["n_cpu_moe"], "-b", config["n_batch"], "-ub", config["n_ubatch"],
             "-fa", config["flash_attn"], "-nkvo", 0 if config["kv_offload"] else 1,
             "-ctk", config["type_k"], "-ctv", config["type_v"]]
    if config["n_cpu_ffn"] > 0:
        flags += ["-ot", keep_ffn_on_cpu(config["n_cpu_ffn"])]
    return flags


def request_ms(args, result, workload, repetitions):
    """Milliseconds of one request, by llama-bench: the prompt behind the depth, the generation behind both.
    Two processes, because llama-bench knows one number of threads."""
    config, used = result["config"], result["effective"]
    flags = [*placement_flags(config, result["layers"]), "-r", repetitions]
    total = 0.0
    prompt, gen, depth = workload["n_prompt"], workload["n_gen"], workload["n_depth"]
    if prompt > 0:
        _, rows = llama_bench(args, *flags, "-t", used["n_threads_batch"], "-p", prompt, "-n", 0, "-d", depth)
        total += 1000 * prompt / speeds(rows)[0]
    _, rows = llama_bench(args, *flags, "-t", used["n_threads"], "-p", 0, "-n", gen, "-d", depth + prompt)
    return total + 1000 * gen / speeds(rows)[1]


def compare_in_turn(rounds, first, second):
    """Costs of two calls in turn, the order changed every round: [(first, second), ...]."""
    pairs = []
    for number in range(rounds):
        if number % 2 == 0:
            a = first()
            b = second()
        else:
            b = second()
            a = first()
        pairs.append((a, b))
    return pairs


def ratio_text(pairs):
    """Of the first to the second."""
    ratios = [a / b for a, b in pairs]
    return (f"{statistics.geometric_mean(ratios):.3f} (geometric mean of {len(ratios)} rounds, "
            f"{min(ratios):.3f} to {max(ratios):.3f})")


def describe(result):
    """A result's config in llama.cpp's words, without what is the same for all."""
    config, used = result["config"], result["effective"]
    words = [f"-ngl {result['layers']}"]
    if config["n_cpu_moe"]:
        words.append(f"-ncmoe {config['n_cpu_moe']}")
    if config["n_cpu_ffn"]:
        words.append(f"-ncffn {config['n_cpu_ffn']}")
    words += [f"-b {config['n_batch']} -ub {config['n_ubatch']} -t {used['n_threads']}"
              f" -tb {used['n_threads_batch']} -fa {config['flash_attn']}"]
    if not config["kv_offload"]:
        words.append("-nkvo")
    if config["type_k"] != "f16" or config["type_v"] != "f16":
        words.append(f"-ctk {config['type_k']} -ctv {config['type_v']}")
    return " ".join(words)


# ---- results ----------------------------------------------------------------------------------------


class Report:
    """Prints while it goes on, and writes docs/results/NAME.md at the end."""

    def __init__(self, args, title, name):
        self.path = args.output or (None if args.quick else REPO / "docs/results" / name)
        self.quick = args.quick
        self.lines = []
        self.title = title

    def say(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def write(self, intro, run, device_words):
        """`run` is any run of sweetspot's: it knows the machine."""
        machine, engine, model = run["machine"], run["engine"], run["model"]
        command = shlex.join([os.path.relpath(sys.argv[0], REPO), *sys.argv[1:]])
        head = [f"# {self.title}", "", intro, ""]
        if self.quick:
            head += ["**Made with --quick, which is for trying the script out: these figures mean nothing.**", ""]
        head += [f"- Command: `{command}`",
                 f"- Machine: {machine['physical_cores']} cores, {machine['cpu']}, {machine['os']}; {device_words}",
                 f"- Model: {model['name'] or pathlib.Path(model['path']).name}, {model['architecture']}, "
                 f"{model['quantization']}, {model['size_bytes'] / 2**20:.0f} MiB, "
                 f"{model['offloadable_layers']} layers",
                 f"- llama.cpp {engine['llama_build']}, Python {platform.python_version()}, "
                 f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}", ""]
        if self.path is None:
            return
        self.path.write_text("\n".join([*head, "```", *self.lines, "```", ""]), encoding="utf-8")
        print(f"written: {self.path}")


def device_words(args):
    if not args.rpc:
        return "its own devices"
    return ("ggml's RPC device on loopback, served by the same cores" if args.rpc.startswith("127.")
            else "a remote RPC device")
