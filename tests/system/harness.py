"""What the system tests share: the real programs, tiny real models, and a look at what is left behind.

Every test runs the built programs as a user would. Models are made by `sweetspot synth`; where a test
needs a broken file it breaks a real one, byte by byte.
"""

import contextlib
import hashlib
import json
import math
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["SWEETSPOT_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["SWEETSPOT_SOURCE_DIR"])
SWEETSPOT = BIN / "sweetspot"
SCRIPTED_WORKER = BIN / "scripted_worker"
# llama.cpp's own programs, on the same backends as the worker (scripts/test-cpu-backends.sh names others).
LLAMA_PROGRAMS = pathlib.Path(os.environ.get("SWEETSPOT_LLAMA_PROGRAMS") or SOURCE / ".deps/llama/bin")

# No device but those that a test names.
NO_DEVICES = {"VK_DRIVER_FILES": "/dev/null", "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}

EXIT_USAGE, EXIT_MODEL, EXIT_DEVICE, EXIT_NOTHING, EXIT_OUTPUT = 2, 3, 4, 5, 6
EXIT_INTERNAL, EXIT_HOST_LIMIT, EXIT_INTERRUPTED = 70, 71, 130
EXIT_SKIPPED = 77  # CMakeLists.txt tells ctest

MIB, GIB = 1 << 20, 1 << 30

TINY = ["--blocks", "3", "--embd", "256", "--ff", "512", "--heads", "4", "--kv-heads", "2",
        "--vocab", "512"]
FAST = ["-c", "256", "-b", "64", "-ub", "64", "-p", "32", "-n", "16", "--max-seconds", "0.3",
        "-t", "1"]


class SystemTest(unittest.TestCase):
    """A folder of its own, and the promise that nothing is left running."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sweetspot-system-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.marker = f"SWEETSPOT_SYSTEM_TEST={self.folder.name}"
        self.addCleanup(self.assert_nothing_is_left)

    def calm_kernel(self):
        """The root of /proc and /sys for a worker that only pretends to compute: as here, but for how long it waited
        for a processor, which on a loaded machine would be held against whoever the test is about."""
        root = self.folder / "kernel"
        for path in ("proc/meminfo", "proc/cpuinfo", "proc/sys/kernel/osrelease"):
            with contextlib.suppress(OSError):
                text = pathlib.Path("/", path).read_text()
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
        return str(root)

    def environment(self, extra=None):
        name, value = self.marker.split("=")
        env = {key: text for key, text in os.environ.items()
               if key not in ("NO_COLOR", "SWEETSPOT_WORKER", "SWEETSPOT_ENGINE")}
        env.update({name: value, "TERM": "xterm", "LC_ALL": "C.UTF-8",
                    "XDG_DATA_HOME": str(self.folder / "data"), "XDG_CACHE_HOME": str(self.folder / "cache")},
                   **(extra or {}))
        if extra and "SWEETSPOT_WORKER" in extra and "SWEETSPOT_SYSFS_ROOT" not in env:
            env["SWEETSPOT_SYSFS_ROOT"] = self.calm_kernel()
        return env

    def run_sweetspot(self, *arguments, timeout=120, env=None, stdin=subprocess.DEVNULL, preexec_fn=None):
        return subprocess.run([str(SWEETSPOT), *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, timeout=timeout, env=self.environment(env),
                              stdin=stdin, errors="backslashreplace", preexec_fn=preexec_fn)

    def start_sweetspot(self, *arguments, env=None, **popen):
        return subprocess.Popen([str(SWEETSPOT), *map(str, arguments)], cwd=self.folder,
                                env=self.environment(env), **popen)

    def synth(self, name="tiny.gguf", *arguments):
        path = self.folder / name
        made = self.run_sweetspot("synth", path, *(arguments or TINY))
        self.assertEqual(made.returncode, 0, made.stderr)
        return path

    def runs(self):
        """The files of runs for which no other place was named."""
        return sorted((self.folder / "data/sweetspot/runs").glob("*.json"))

    def profile(self, model, *arguments, env=None, timeout=120):
        """Runs `profile --json` and returns (process, run)."""
        done = self.run_sweetspot("profile", model, *FAST, "--json", *arguments, env=env,
                                  timeout=timeout)
        return done, (json.loads(done.stdout) if done.stdout.strip() else None)

    def needs_llama_cpp(self, model, sequences=1):
        """Skips what follows, with the words of llama.cpp's own programs, where these cannot compute the model
        for so many sequences side by side: then no program that is built on it can."""
        objection = llama_cpp_objection(model, sequences, self.environment(NO_DEVICES))
        if objection:
            self.skipTest(f"llama.cpp itself fails: {objection}")

    def assert_clear_sentence(self, done, exit_code, *words):
        """One line on stderr that starts with our name and says what to do; never a stack trace."""
        self.assertEqual(done.returncode, exit_code, done.stdout + done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.startswith("sweetspot: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])
        for noise in ("terminate called", "#0 ", "core dumped", "nlohmann", "std::", "basic_string"):
            self.assertNotIn(noise, done.stderr)
        return lines[0]

    def left_running(self):
        left = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if self.marker.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    left.append((int(entry.name), (entry / "cmdline").read_bytes()))
        return left

    def assert_nothing_is_left(self, within_seconds=3):
        deadline = time.monotonic() + within_seconds
        while self.left_running() and time.monotonic() < deadline:
            time.sleep(0.05)
        left = self.left_running()
        for pid, _ in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.assertEqual(left, [])

    @contextlib.contextmanager
    def rpc_server(self):
        """A second process that serves ggml's RPC on loopback; gives its address."""
        port = free_port()
        address = f"127.0.0.1:{port}"
        server = self.start_sweetspot("serve", "--listen", address, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT)
        try:
            wait_until_listening(port, server)
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=20)


# ---- what llama.cpp's own programs say


def run_llama(program, *arguments, env=None):
    return subprocess.run([str(LLAMA_PROGRAMS / program), *map(str, arguments), "-t", "1", "-ngl", "0"],
                          capture_output=True, text=True, errors="backslashreplace", timeout=60, env=env,
                          stdin=subprocess.DEVNULL)


def last_words(done):
    """What a program that did not succeed said of it, or how it ended."""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"GGML_ASSERT|GGML_ABORT|[Ee]rror|failed", line)]
    ended = f"ended by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else \
        f"exit code {done.returncode}"
    return ": ".join([ended, *(telling or lines)[-1:]])


def perplexities(model, text, sequences, env):
    """(what llama-perplexity computes up to each chunk of 32 tokens, so many side by side, and its process). A
    thread of its own writes its log, and what it has not yet written at the end is lost: chunks may be missing."""
    done = run_llama("llama-perplexity", "-m", model, "-f", text, "-c", 32, "-b", 32 * sequences, "-ub",
                     32 * sequences, "--chunks", 4, env=env)
    found = re.findall(r"\[(\d+)\](-?(?:nan|inf|\d+\.\d+)),", done.stdout + done.stderr)
    return {int(chunk): float(value) for chunk, value in found}, done


_objections = {}  # by programs, bytes of the model, sequences: many tests make the same file


def llama_cpp_objection(model, sequences, env):
    """Why llama.cpp cannot compute the model, in one sentence of its programs; None where it can. A fault of
    llama.cpp may be a crash, a value that is no number, or other values for several sequences than for one."""
    if not (LLAMA_PROGRAMS / "llama-batched-bench").exists():
        return None  # an installed llama.cpp: nobody to ask
    key = LLAMA_PROGRAMS, hashlib.sha256(model.read_bytes()).digest(), sequences
    if key not in _objections:
        _objections[key] = asked_of_llama_cpp(model, sequences, env)
    return _objections[key]


def asked_of_llama_cpp(model, sequences, env):
    bench = run_llama("llama-batched-bench", "-m", model, "-c", 128 * sequences, "-npp", 32, "-ntg", 8, "-npl",
                      sequences, env=env)
    if bench.returncode != 0:
        return f"llama-batched-bench -npl {sequences}: {last_words(bench)}"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
        text.write(" ".join(f"word {n}" for n in range(400)))
        text.flush()
        alone, done = perplexities(model, text.name, 1, env)
        together, again = perplexities(model, text.name, sequences, env)
    for how_many, values, process in ((1, alone, done), (sequences, together, again)):
        if process.returncode != 0:
            return f"llama-perplexity of {how_many} side by side: {last_words(process)}"
        if not all(math.isfinite(value) for value in values.values()):
            return f"llama-perplexity of {how_many} side by side: {values}"
    for chunk in sorted(alone.keys() & together.keys()):
        if abs(together[chunk] - alone[chunk]) > 0.05 * alone[chunk]:
            return f"llama-perplexity: {together[chunk]} for {sequences} sequences side by side, {alone[chunk]} for one"
    return None


def main(module="__main__", argv=None):
    """unittest.main() for tests that rest on llama.cpp: where some were skipped, ctest shows the file as skipped
    and its log says why."""
    result = unittest.main(module, argv=argv, exit=False).result
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}", file=sys.stderr)
    sys.exit(1 if not result.wasSuccessful() else EXIT_SKIPPED if result.skipped else 0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port, process, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}")


# ---- breaking a GGUF file ---------------------------------------------------------------------------


def patch_u32(path, key, value):
    """Overwrites the value of an uint32 metadata key in place."""
    data = bytearray(path.read_bytes())
    name = key.encode()
    at = data.index(struct.pack("<Q", len(name)) + name) + 8 + len(name)
    (kind,) = struct.unpack_from("<I", data, at)
    assert kind == 4, f"{key} is of type {kind}, not uint32"
    struct.pack_into("<I", data, at + 4, value)
    path.write_bytes(data)


def patch_bytes(path, old, new):
    """Replaces the first occurrence of `old`; both have the same length."""
    assert len(old) == len(new)
    data = path.read_bytes()
    assert old in data, old
    path.write_bytes(data.replace(old, new, 1))


def fill_tensors_with_nan(path, from_fraction=0.3):
    """Sets every byte of the last part of the file: f16 scales and f32 values become NaN."""
    data = bytearray(path.read_bytes())
    start = int(len(data) * from_fraction)
    data[start:] = b"\xff" * (len(data) - start)
    path.write_bytes(data)


def gguf_string(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def write_gguf(path, metadata):
    """A GGUF header without tensors. `metadata` maps keys to str, int (uint32) or ('u16', int)."""
    out = b"GGUF" + struct.pack("<IQQ", 3, 0, len(metadata))
    for key, value in metadata.items():
        out += gguf_string(key)
        if isinstance(value, int):
            out += struct.pack("<II", 4, value)
        elif isinstance(value, tuple):
            out += struct.pack("<IH", 2, value[1])
        else:
            out += struct.pack("<I", 8) + gguf_string(value)
    path.write_bytes(out)
