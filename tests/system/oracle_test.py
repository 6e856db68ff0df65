"""llama.cpp's own programs accept what we write and agree with what we read."""

import json
import os
import subprocess
import time
import unittest
import urllib.request

from harness import LLAMA_PROGRAMS as TOOLS, SystemTest, TINY, free_port


@unittest.skipUnless((TOOLS / "llama-server").exists(),
                     "llama.cpp's tools are only where the private prefix is")
class Oracles(SystemTest):
    def test_llama_server_serves_a_synthetic_model(self):
        model = self.synth()
        port = free_port()
        log = open(self.folder / "server.log", "wb")
        self.addCleanup(log.close)
        server = subprocess.Popen([TOOLS / "llama-server", "-m", model, "--port", str(port), "-c",
                                   "256", "--host", "127.0.0.1", "-t", "1"], stdout=log,
                                  stderr=log, env=self.environment())
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(base + "/health", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            self.assertIsNone(server.poll(), (self.folder / "server.log").read_text()[-2000:])
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        body = json.dumps({"prompt": "hello", "n_predict": 4, "ignore_eos": True}).encode()
        request = urllib.request.Request(base + "/completion", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            self.assertEqual(json.load(answer)["tokens_predicted"], 4)

    def test_llama_bench_counts_the_same_model(self):
        model = self.synth("moe.gguf", *TINY, "--experts", "4", "--experts-used", "2")
        info = json.loads(self.run_sweetspot("inspect", model, "--json").stdout)
        done = subprocess.run([TOOLS / "llama-bench", "-m", model, "-p", "0", "-n", "4", "-r", "1",
                               "-o", "json", "-t", "1"], capture_output=True, text=True,
                              env=self.environment())
        row = json.loads(done.stdout)[0]
        self.assertEqual(row["model_n_params"], info["n_params"])
        self.assertEqual(row["model_size"], info["size_bytes"])


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
