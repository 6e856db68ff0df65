"""What llama-server keeps in host memory besides is what the plan says: the size of a context checkpoint as
the server itself reports it, none where the plan says none, and prompts within the --cache-ram of its flags."""

import json
import re
import shlex
import signal
import subprocess
import time
import unittest
import urllib.request

from harness import LLAMA_PROGRAMS, MIB, SystemTest, free_port

LLAMA_SERVER = LLAMA_PROGRAMS / "llama-server"
SMALL = ["--embd", "256", "--ff", "512", "--heads", "4", "--kv-heads", "2", "--vocab", "1000",
         "--ctx-train", "4096"]
CONTEXT = ["-c", "2048", "-ub", "128", "-b", "128", "--contexts", "2048", "-ngl", "0"]
CREATED = re.compile(r"created context checkpoint (\d+) of (\d+) .*size = ([0-9.]+) MiB")
CACHED = re.compile(r"cache state: (\d+) prompts, ([0-9.]+) MiB \(limits: ([0-9.]+) MiB")


class Server:
    """A real server with a plan's flags, and what it logs."""

    def __init__(self, test, flags):
        self.port = free_port()
        self.process = subprocess.Popen(
            [LLAMA_SERVER, *flags, "-lv", "5", "--host", "127.0.0.1", "--port", str(self.port)],
            env=test.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="backslashreplace")
        test.addCleanup(self.end)
        self.wait_for_health()

    def wait_for_health(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start: " + self.end()[-2000:])

    def complete(self, tokens):
        body = json.dumps({"prompt": tokens, "n_predict": 2, "temperature": 0}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/completion", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if not self.process.stdout.closed:
            self.log = self.process.communicate(timeout=60)[0]
        return self.log


@unittest.skipUnless(LLAMA_SERVER.exists(), "llama-server is only where the private prefix is")
class ServerCaches(SystemTest):
    def plan(self, model, *arguments):
        done = self.run_sweetspot("plan", model, *CONTEXT, "--vram-limit", "1GiB", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def served(self, model, *arguments, requests=3):
        """The plan, and what the server logs that its flags start."""
        planned = json.loads(self.plan(model, "--json", *arguments))
        server = Server(self, shlex.split(self.plan(model, "--flags", *arguments)))
        for first in range(requests):  # prompts of their own, so that the one before is saved
            server.complete([10 + first] + [(17 * i + 31 * first) % 900 + 20 for i in range(1200)])
        return planned, server.end()

    def check_checkpoints(self, model, *arguments):
        planned, log = self.served(model, *arguments, requests=1)
        created = CREATED.findall(log)
        self.assertTrue(created, log[-3000:])
        self.assertEqual({int(most) for _, most, _ in created},
                         {planned["wanted"]["n_ctx_checkpoints"]})
        largest = max(float(mib) for _, _, mib in created)
        ours = planned["server"]["checkpoint_bytes"] / MIB
        # The server adds position and sequence of each cell; it prints 0.001 MiB.
        self.assertLessEqual(ours, largest + 0.001)
        self.assertLess(largest, 1.02 * ours + 0.002)

    def test_a_checkpoint_of_a_sliding_window(self):
        model = self.synth("window.gguf", "--arch", "gemma3", "--blocks", "6", "--sliding-window",
                           "256", *SMALL)
        self.check_checkpoints(model)
        self.check_checkpoints(model, "-ctk", "q8_0", "-ctv", "q8_0", "-fa", "on")

    def test_a_checkpoint_of_a_hybrid_model(self):
        model = self.synth("hybrid.gguf", "--arch", "lfm2", "--blocks", "6", *SMALL)
        self.check_checkpoints(model)

    def test_a_cache_that_can_be_cut_has_none(self):
        model = self.synth("plain.gguf", "--blocks", "3", *SMALL)
        planned, log = self.served(model)
        self.assertEqual(planned["server"]["checkpoint_bytes"], 0)
        self.assertEqual(CREATED.findall(log), [])

    def test_prompts_stay_within_what_the_flags_say(self):
        model = self.synth("plain.gguf", "--blocks", "3", *SMALL)
        # Room for a little more than 128 MiB beside the model.
        taken = json.loads(self.plan(model, "--json"))["wanted"]["host_bytes"]
        host = ["--host-memory", f"{taken + 200 * MIB}B", "--host-reserve", "1MiB"]
        planned, log = self.served(model, *host, requests=4)
        self.assertEqual(planned["wanted"]["cache_ram_mib"], 128)
        states = CACHED.findall(log)
        self.assertTrue(states, log[-3000:])
        for _, mib, limit in states:
            self.assertEqual(float(limit), 128)
            self.assertLessEqual(float(mib), 128)
        self.assertGreater(max(float(mib) for _, mib, _ in states), 0, "something was kept")


if __name__ == "__main__":
    unittest.main(verbosity=2)
