"""`sweetspot launch` with a real llama-server: memory taken away between choosing and loading, processes
killed, signals, exit codes; and changing profiles on a scripted card."""

import contextlib
import json
import os
import pathlib
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

import profile_sets
from plan_truth import software_vulkan
from worker_client import Worker
from harness import (BIN, EXIT_MODEL, EXIT_NOTHING, EXIT_USAGE, GIB, LLAMA_PROGRAMS, MIB, SCRIPTED_WORKER,
                     SWEETSPOT, TINY, SystemTest, free_port)

SERVER = LLAMA_PROGRAMS / "llama-server"
NVML = os.environ.get("FAKE_NVML_LIBRARY")
PCI = "0000:01:00.0"

# About 200 MiB of weights in 7 layers: large against what else a process allocates.
LARGE = ["--blocks", "6", "--embd", "1024", "--ff", "4096", "--heads", "8", "--kv-heads", "8",
         "--vocab", "2000", "--type", "f16"]


def read_until(terminal, text, seconds=20):
    """What a terminal shows until it shows the text, or until its end."""
    shown = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (text is None or text not in shown):
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the end, as Linux says it
            return shown
    if text is not None and text not in shown:
        raise AssertionError(f"{text} is not in {shown}")
    return shown


def listening(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def ask(port, text="hello"):
    """What a server answers to a completion request."""
    body = json.dumps({"prompt": text, "n_predict": 4, "ignore_eos": True}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/completion", body, timeout=30) as answer:
        return json.load(answer)


class Launched:
    """A launch whose events are read as they come."""

    def __init__(self, test, *arguments, env=None):
        self.test = test
        self.events = []
        self.other = []
        self._changed = threading.Condition()
        self.process = test.start_sweetspot("launch", "--json", *arguments, env=env,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            stdin=subprocess.DEVNULL)
        self._out = threading.Thread(target=self.process.stdout.read)
        self._err = threading.Thread(target=self._read)
        self._out.start()
        self._err.start()
        test.addCleanup(self.end)

    def _read(self):
        for raw in self.process.stderr:
            line = raw.decode(errors="backslashreplace")
            with self._changed:
                if line.startswith('{"event"'):
                    self.events.append(json.loads(line))
                else:
                    self.other.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def all(self, event):
        return [each for each in self.events if each["event"] == event]

    def wait(self, event, count=1, seconds=60):
        """The count-th event of that name."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while len(self.all(event)) < count:
                left = deadline - time.monotonic()
                if left <= 0 or not self._err.is_alive():
                    self.test.fail(f"no {event} #{count}: {self.events} {''.join(self.other[-30:])}")
                self._changed.wait(min(left, 0.5))
            return self.all(event)[count - 1]

    def end(self, signal_number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.ended()

    def ended(self):
        """The exit code of one that ends by itself."""
        code = self.process.wait(30)
        self._out.join(10)
        self._err.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class LaunchTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.port = free_port()

    def store(self, model, devices, profiles, rpc=()):
        return profile_sets.store(self.folder / "data", model, devices, profiles, rpc)

    def launch(self, *arguments, env=None):
        return Launched(self, "--port", self.port, *arguments, env=env)

    def environment(self, extra=None):
        """Without what makes a stored set stale."""
        env = {name: value for name, value in super().environment().items()
               if not name.startswith(("CUDA_", "GGML_", "HIP_", "LLAMA_", "VK_"))}
        return {**env, **(extra or {})}

    def server_after(self, *lines):
        """A llama-server that runs some lines of shell first."""
        path = self.folder / "llama-server"
        path.write_text("\n".join(["#!/bin/sh", *lines, f'exec {SERVER} "$@"', ""]))
        path.chmod(0o700)
        return path

    def child_of(self, pid, name):
        """The process below `pid` whose command line holds the name."""
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if name in pathlib.Path(f"/proc/{child}/cmdline").read_text():
                return int(child)
        raise AssertionError(f"{pid} has no child {name}")

    def assert_port_is_free(self, within_seconds):
        deadline = time.monotonic() + within_seconds
        while listening(self.port) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(listening(self.port))


class OnTheCpu(LaunchTest):
    """No device is needed: the CPU's profile alone."""

    def setUp(self):
        super().setUp()
        self.model = self.synth()
        self.store(self.model, [], [("cpu_fallback", 0, {})])

    def test_a_server_is_asked_before_users_come_and_ends_with_a_signal(self):
        launched = self.launch(self.model)
        healthy = launched.wait("healthy")
        self.assertEqual((healthy["profile"], healthy["depth_tokens"]), ("cpu_fallback", 504))
        self.assertEqual(ask(self.port)["tokens_predicted"], 4)
        self.assertEqual(launched.end(signal.SIGTERM), 0)
        self.assertFalse(listening(self.port))

    def test_a_killed_server_is_started_again(self):
        launched = self.launch(self.model)
        launched.wait("healthy")
        os.kill(self.child_of(launched.process.pid, "llama-server"), signal.SIGKILL)
        self.assertIn("SIGKILL", launched.wait("restarting")["message"])
        launched.wait("healthy", count=2)
        self.assertEqual(ask(self.port)["tokens_predicted"], 4)
        self.assertEqual(launched.end(), 0)

    def test_a_killed_launch_leaves_no_server(self):
        launched = self.launch(self.model)
        launched.wait("healthy")
        launched.process.kill()
        self.assert_port_is_free(within_seconds=2)
        self.assert_nothing_is_left(within_seconds=2)

    def test_an_address_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            launched = self.launch(self.model)
            self.assertIn("already listens", launched.wait("finished")["error"])
            self.assertEqual(launched.end(), EXIT_USAGE)

    def test_arguments_are_the_users(self):
        launched = self.launch(self.model, "--", "llama-server", "-c", "256", "--alias", "mine")
        self.assertEqual(launched.wait("healthy")["depth_tokens"], 248)
        command = launched.all("starting")[0]["command"]
        self.assertNotIn("--ctx-size", command)
        launched.end()

    def test_wrong_arguments_are_not_tried_again(self):
        launched = self.launch(self.model, "--", "llama-server", "--no-such-flag")
        self.assertIn("--no-such-flag", launched.wait("finished")["error"])
        self.assertEqual(launched.end(), EXIT_USAGE)
        self.assertEqual(len(launched.all("starting")), 1)

    def test_a_broken_model_is_not_tried_again(self):
        broken = self.folder / "broken.gguf"
        broken.write_bytes(b"GGUF" + bytes(1000))
        launched = self.launch(broken)
        launched.wait("finished")
        self.assertEqual(launched.end(), EXIT_MODEL)
        self.assertEqual(len(launched.all("starting")), 1)

    def test_exit_codes_and_input_pass_through(self):
        (self.folder / "in").write_text("a line\n")
        with (self.folder / "in").open() as lines:
            done = self.run_sweetspot("launch", self.model, "--", "/bin/sh", "-c",
                                      "read x; echo got $x from {n_ctx}; exit 7", stdin=lines)
        self.assertEqual((done.returncode, done.stdout), (7, "got a line from 512\n"), done.stderr)

    def test_ctrl_c_reaches_the_program_once_and_ends_nothing(self):
        script = "trap 'echo interrupted' INT; echo {n_ctx}; while :; do sleep 0.05; done"
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(SWEETSPOT, [str(SWEETSPOT), "launch", str(self.model), "--stop-timeout", "0.3",
                                  "--", "/bin/sh", "-c", script], self.environment())
        read_until(terminal, b"512")
        for _ in range(4):
            os.write(terminal, b"\x03")
            shown = read_until(terminal, b"interrupted")
            self.assertEqual(shown.count(b"interrupted"), 1)
        time.sleep(0.6)
        self.assertEqual(os.waitpid(pid, os.WNOHANG), (0, 0), "Ctrl-C is the program's own matter")
        os.kill(pid, signal.SIGTERM)
        rest = read_until(terminal, None)
        self.assertNotIn(b"interrupted", rest)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 128 + signal.SIGTERM)
        os.close(terminal)

    def test_llama_cli_answers(self):
        done = self.run_sweetspot("launch", self.model, "--", "llama-cli", "-p", "hello", "-n", "8",
                                  "-st")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("> hello", done.stdout)

    def test_a_dry_run_prints_what_would_be_started(self):
        done = self.run_sweetspot("launch", self.model, "--dry-run", "--port", self.port)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--n-gpu-layers 0 --device none --ctx-size 512 ", done.stdout)
        self.assertIn(f"--port {self.port}\n", done.stdout)

    def test_a_model_that_nobody_measured_is_planned(self):
        launched = self.launch(self.synth("other.gguf", *TINY, "--seed", "2"))
        self.assertEqual(launched.wait("healthy")["profile"], "cpu_fallback")
        self.assertIn("planned", launched.wait("warning")["message"])
        self.assertEqual(launched.end(), 0)

    def test_a_profile_that_is_not_there(self):
        self.assert_clear_sentence(self.run_sweetspot("launch", self.model, "--profile", "none"),
                                   EXIT_USAGE, "'none'", "cpu_fallback")

    def test_an_unknown_placeholder(self):
        self.assert_clear_sentence(self.run_sweetspot("launch", self.model, "--", "/bin/echo", "{nix}"),
                                   EXIT_USAGE, "{nix}")


class OnADevice(LaunchTest):
    # The software device translates its shaders for the first requests, beside other tests.
    PATIENCE = ("--load-timeout", "170", "--probe-timeout", "170")

    def device_now(self, name, env):
        """The device as llama.cpp describes it."""
        with Worker(self.environment(env)) as worker:
            (found,) = [each for each in worker.devices if each["id"] == name]
        return profile_sets.device(name, backend=found["backend"], description=found["description"])

    def test_memory_taken_away_between_choosing_and_loading(self):
        model = self.synth("large.gguf", *LARGE)
        with self.rpc_server() as address:
            needs = {"RPC0": 300 * MIB}, {"RPC0": 150 * MIB}
            path = self.store(model, [profile_sets.device("RPC0", description=address)],
                              [("performance", 7, needs[0]), ("fast", 3, needs[1]),
                               ("cpu_fallback", 0, {})], rpc=[address])
            worker = self.rpc_worker()
            # Room for the buffers of 3 layers, not for those of 7.
            limit = status_bytes(worker, "VmSize") + 160 * MIB
            program = self.server_after(f"prlimit --pid {worker} --as={limit}")
            launched = self.launch(model, "--rpc", address, "--", program)
            healthy = launched.wait("healthy")
            self.assertEqual([each["profile"] for each in launched.all("starting")],
                             ["performance", "fast"])
            self.assertIn("memory", launched.all("failed")[0]["message"])
            self.assertEqual((healthy["profile"], healthy["depth_tokens"]), ("fast", 504))
            self.assertEqual(ask(self.port)["tokens_predicted"], 4)
            self.assertEqual(launched.end(), 0)
        results = [(each["profile"], each["result"]) for each in json.loads(path.read_text())["reports"]]
        self.assertEqual(results, [("performance", "out-of-memory"), ("fast", "loaded")])

    def rpc_worker(self):
        """The process of the RPC server that holds the device's memory."""
        found = [pid for pid, command in self.left_running() if b"sweetspot-worker" in command]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_the_device_goes_away(self):
        model = self.synth("large.gguf", *LARGE)
        with self.rpc_server() as address:
            self.store(model, [profile_sets.device("RPC0", description=address)],
                       [("fast", 3, {"RPC0": 150 * MIB}), ("cpu_fallback", 0, {})], rpc=[address])
            program = self.server_after(f'case "$*" in *"--n-gpu-layers 3"*) '
                                        f"kill -KILL {self.rpc_worker()};; esac")
            launched = self.launch(model, "--rpc", address, "--adapt", "--", program)
            self.assertIn("--adapt does nothing", launched.wait("warning")["message"])
            self.assertEqual(launched.wait("healthy")["profile"], "cpu_fallback")
            self.assertEqual(ask(self.port)["tokens_predicted"], 4)
            self.assertEqual(launched.end(), 0)

    def test_memory_taken_away_on_vulkan(self):
        vulkan, why_not = software_vulkan()
        if vulkan is None:
            self.skipTest(why_not)
        vulkan = {**vulkan, "MALLOC_ARENA_MAX": "1"}  # an arena reserves 128 MiB of address space
        model = self.synth("deep.gguf", *TINY, "--ctx-train", "262144")
        self.store(model, [self.device_now("Vulkan0", vulkan)],
                   [("performance", 4, {"Vulkan0": 500 * MIB}, {"n_ctx": 262144}),
                    ("fast", 4, {"Vulkan0": 50 * MIB}, {"n_ctx": 256}), ("cpu_fallback", 0, {})])
        first = self.launch("--profile", "fast", model, *self.PATIENCE, env=vulkan)
        self.assertEqual(first.wait("healthy", seconds=400)["profile"], "fast")
        server = self.child_of(first.process.pid, "llama-server")
        used = status_bytes(server, "VmPeak")
        self.assertEqual(first.end(), 0)
        # Its device's memory is the process's own: the cache of the large context takes 384 MiB.
        program = self.server_after(f"ulimit -v {(used + 192 * MIB) // 1024}")
        launched = self.launch(model, *self.PATIENCE, "--", program, env=vulkan)
        self.assertEqual(launched.wait("healthy", seconds=400)["profile"], "fast", launched.events)
        # This driver crashes as often as it says that memory is short.
        self.assertEqual([each["profile"] for each in launched.all("failed")], ["performance"])
        self.assertEqual(ask(self.port)["tokens_predicted"], 4)
        self.assertEqual(launched.end(), 0)


class OnAScriptedCard(LaunchTest):
    """A card whose memory others take and give back, as its driver tells it."""

    def setUp(self):
        super().setUp()
        if NVML is None:
            self.skipTest("FAKE_NVML_LIBRARY names no driver")
        self.model = self.synth()
        folder = self.folder / "root/sys/bus/pci/devices" / PCI
        (folder / "power").mkdir(parents=True)
        (folder / "class").write_text("0x030000\n")
        (folder / "vendor").write_text("0x10de\n")
        (folder / "power/runtime_status").write_text("active\n")
        needs = {"GPU0": 4 * GIB}, {"GPU0": 2 * GIB}
        card = profile_sets.device("GPU0", backend="CUDA", description="Card", pci_bus_id=PCI,
                                   uuid="GPU-1", memory_total_bytes=8 * GIB)
        self.path = self.store(self.model, [card], [("performance", 4, needs[0]), ("fast", 2, needs[1]),
                                                    ("cpu_fallback", 0, {})])

    def environment_with(self, free, **card):
        """`free` GiB: one figure per look of half a second, the last one for ever. What is free is
        what a driver says while our own program runs."""
        steps = [int(each * GIB) for each in free]
        memory = {"total": 8 * GIB, "free": steps, "used": [8 * GIB - each for each in steps],
                  "reserved": 0}
        script = self.folder / "nvml.json"
        script.write_text(json.dumps({"driver_version": "550.54.14", "gpus": [{
            "pci": f"0000{PCI}", "name": "Card", "uuid": "GPU-1", "memory": memory, "throttle": 0,
            **card}]}))
        worker = {"devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8 * GIB,
                               "free_bytes": 7 * GIB, "pci_bus_id": PCI}]}
        return {"SWEETSPOT_WORKER": str(SCRIPTED_WORKER), "SWEETSPOT_SCRIPT": json.dumps(worker),
                "SWEETSPOT_SYSFS_ROOT": str(self.folder / "root"), "SWEETSPOT_NVML_LIBRARY": NVML,
                "FAKE_NVML_SCRIPT": str(script)}

    def scripted_server(self, **layers):
        script = self.folder / "server.json"
        script.write_text(json.dumps({"layers": {"else": {}, **layers}}))
        program = self.folder / "llama-server"
        program.symlink_to(BIN / "scripted_server")
        return program, "--script", script

    def test_moves_down_and_up_again(self):
        # 7 free at the start; then ours holds 4 and others take what is left but for the margin of the
        # smaller profile; then they give it back.
        env = self.environment_with([7] * 4 + [3] * 4 + [72 / 1024] * 12 + [5])
        launched = self.launch(self.model, "--vram-percent", "100", "--adapt", "--adapt-down-after", "1", "--adapt-up-after", "2",
                               "--", *self.scripted_server(), env=env)
        moves = launched.wait("moving"), launched.wait("moving", count=2)
        self.assertEqual([(each["from"], each["to"], each["why"]) for each in moves],
                         [("performance", "fast", "memory-short"), ("fast", "performance", "memory-back")])
        launched.wait("healthy", count=3)
        self.assertEqual(launched.end(), 0)

    def test_without_adapt_it_warns_and_stays(self):
        env = self.environment_with([7] * 4 + [0.1])
        launched = self.launch(self.model, "--", *self.scripted_server(), env=env)
        self.assertIn("99 % of the memory of Card", launched.wait("warning", count=2, seconds=20)["message"])
        time.sleep(2)
        self.assertEqual(launched.all("moving"), [])
        self.assertEqual(len([each for each in launched.all("warning") if "in use" in each["message"]]), 1)
        self.assertEqual(launched.end(), 0)

    def test_the_first_rungs_fail_one_after_the_other(self):
        for failing in ({}, {"4": {"load": "oom"}}, {"4": {"load": "oom"}, "2": {"completion": "abort"}}):
            with self.subTest(failing=failing):
                program = self.folder / "llama-server"
                program.unlink(missing_ok=True)
                launched = self.launch(self.model, "--", *self.scripted_server(**failing),
                                       env=self.environment_with([7]))
                names = ["performance", "fast", "cpu_fallback"]
                self.assertEqual(launched.wait("healthy", seconds=30)["profile"], names[len(failing)])
                self.assertEqual(launched.end(), 0)
                self.path.write_text(json.dumps({**json.loads(self.path.read_text()), "reports": []}))

    def test_what_ran_out_of_memory_is_not_chosen_again(self):
        arguments = [self.model, "--", *self.scripted_server(**{"4": {"load": "oom"}})]
        for expected in (["performance", "fast"], ["fast"]):
            launched = self.launch(*arguments, env=self.environment_with([7]))
            launched.wait("healthy", seconds=30)
            self.assertEqual(launched.end(), 0)
            self.assertEqual([each["profile"] for each in launched.all("starting")], expected)

    def test_slow_starts_keep_no_profile_from_being_tried_again(self):
        for _ in range(3):
            launched = self.launch(self.model, "--load-timeout", "1", "--", *self.scripted_server(**{
                rung: {"load": "hang"} for rung in ("4", "2", "0")}), env=self.environment_with([7]))
            self.assertEqual(launched.ended(), EXIT_NOTHING)
            self.assertEqual([each["profile"] for each in launched.all("starting")],
                             ["performance", "fast", "cpu_fallback"])
            (self.folder / "llama-server").unlink()
        reports = json.loads(self.path.read_text())["reports"]
        self.assertEqual({each["result"] for each in reports}, {"timed-out"})

    def test_the_cpu_alone_is_tried_however_often_it_crashed(self):
        for expected in (["performance", "fast", "cpu_fallback"],) * 2 + (["cpu_fallback"],):
            launched = self.launch(self.model, "--", *self.scripted_server(**{
                rung: {"load": "abort"} for rung in ("4", "2", "0")}), env=self.environment_with([7]))
            self.assertEqual(launched.ended(), EXIT_NOTHING)
            self.assertEqual([each["profile"] for each in launched.all("starting")], expected)
            (self.folder / "llama-server").unlink()


def status_bytes(pid, name):
    """A figure of proc(5), status: VmSize is the address space, VmPeak the most it has been."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{pid} has no {name}")


if __name__ == "__main__":
    if not SERVER.exists():
        print("skipped: there is no llama-server in .deps/llama", file=sys.stderr)
        sys.exit(77)
    unittest.main()
