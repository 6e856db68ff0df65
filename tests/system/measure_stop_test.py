"""A worker that is told to stop after a long sample does not run another one first.

A prompt on a processor takes seconds, and who reads the samples may have enough after any of them.
"""

import time
import unittest

from harness import NO_DEVICES, SystemTest
from worker_client import Worker

LONG_MS = 400  # well above what the worker calls long
LONGEST_CONTEXT = 8192
READER_SECONDS = 0.003  # what it takes to read a sample and to judge it


class MeasureStop(SystemTest):
    def prompt(self, worker, tokens, **fields):
        return worker.ask("measure", kind="prompt", cache_tokens=0, tokens_per_pass=tokens, **fields)

    def tokens_of_a_long_prompt(self, worker):
        """However fast this machine is; twice as long as need be, because it may be busy now only."""
        tokens, took = 256, []
        while tokens < LONGEST_CONTEXT // 2:
            self.prompt(worker, tokens, max_samples=1,
                        on_sample=lambda event: took.append(event["duration_ms"]))
            if took[-1] >= LONG_MS:
                break
            tokens *= 2
        return 2 * tokens

    def test_no_pass_is_begun_that_nobody_wants(self):
        model = self.synth("small.gguf", "--blocks", "8", "--embd", "1024", "--ff", "4096", "--heads",
                           "8", "--kv-heads", "8", "--vocab", "512")
        with Worker(self.environment(NO_DEVICES)) as worker:
            worker.ask("load", path=str(model), config={"n_gpu_layers": 0}, slice=None)
            worker.ask("context", config={"n_ctx": LONGEST_CONTEXT, "n_threads": 1})
            tokens = self.tokens_of_a_long_prompt(worker)
            took = []

            def stop_at_once(event):
                took.append(event["duration_ms"])
                time.sleep(READER_SECONDS)
                worker.stop()

            done = self.prompt(worker, tokens, max_samples=100, on_sample=stop_at_once)
            self.assertGreaterEqual(took[0], LONG_MS / 2)
            self.assertEqual(len(took), 1)
            self.assertEqual(done["passes"], 1)


if __name__ == "__main__":
    unittest.main()
