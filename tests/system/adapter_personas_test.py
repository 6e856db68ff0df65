"""sweetspot-adapter against llama-servers of other builds and of bad manners (tests/fakes/llama_server_persona.py)."""

import json
import threading
import time
import unittest

from harness import SOURCE, SystemTest
from worker_client import Refused, Worker

PERSONA = SOURCE / "tests" / "fakes" / "llama_server_persona.py"
CONFIG = {"n_gpu_layers": 0, "n_ctx": 256, "n_batch": 64, "n_ubatch": 64, "n_threads": 1}


class Personas(SystemTest):
    def engine(self, persona):
        link = self.folder / persona
        link.symlink_to(PERSONA)
        self.notes = self.folder / "starts.jsonl"
        self.notes.touch()
        return self.environment({"SWEETSPOT_ENGINE": str(link), "FAKE_SERVER_NOTES": str(self.notes)})

    def adapter(self, persona):
        return Worker(self.engine(persona), program="sweetspot-adapter")

    def starts(self):
        return [json.loads(line) for line in self.notes.read_text().splitlines()]

    def loaded(self, worker, **changes):
        """A context with the tiny model; the answer of `context`."""
        config = CONFIG | changes
        worker.ask("load", path=str(self.synth()), config=config, slice=None)
        return worker.ask("context", config=config)

    def generate(self, worker, **changes):
        return worker.measure(**({"kind": "generation", "cache_tokens": 16, "tokens_per_pass": 8,
                                  "max_samples": 8} | changes))

    def refused(self, persona, **changes):
        """The fault that a context meets."""
        with self.adapter(persona) as worker, self.assertRaises(Refused) as caught:
            self.loaded(worker, **changes)
        return caught.exception.fault

    def test_modern(self):
        with self.adapter("modern") as worker:
            self.assertFalse(worker.abilities["keeps_weights"])
            self.assertFalse(worker.abilities["maps"])
            self.assertEqual(worker.engine["llama_version"], "0.7.0")
            context = self.loaded(worker)
            self.assertEqual(context["effective"]["n_ctx"], 256)
            self.assertEqual(context["memory"], [{"id": "CPU", "model_bytes": 2621440, "context_bytes": 1572864,
                                                  "compute_bytes": 6029312, "mapped_bytes": 2621440}])
            times = self.generate(worker)
            self.assertEqual(len(times), 8)
            for ms in times:
                self.assertAlmostEqual(ms, 2.0, places=6)
            prompt = worker.measure(kind="prompt", cache_tokens=0, tokens_per_pass=32, max_samples=2)
            self.assertEqual(prompt, [64.0, 64.0])
            self.assertTrue(worker.ask("check")["logits"])
            depth = worker.ask("full-depth")
            self.assertEqual(depth["filled_by"], "decode")
            self.assertGreater(depth["tokens_each"], 240)
        words = self.starts()[0]
        for flag, value in (("--fit", "off"), ("--cache-ram", "0"), ("--flash-attn", "auto"),
                            ("--verbosity", "4"), ("--host", "127.0.0.1")):
            self.assertIn(flag, words)
            self.assertEqual(words[words.index(flag) + 1], value)

    def test_another_context_is_another_server(self):
        with self.adapter("modern") as worker:
            self.loaded(worker)
            worker.ask("context", config=CONFIG | {"n_ctx": 512})
        ports, keys = ({words[words.index(flag) + 1] for words in self.starts()} for flag in ("--port", "--api-key"))
        self.assertEqual(len(self.starts()), 2)
        self.assertEqual(len(keys), 2, "a key of its own for each")

    def test_elder_is_timed_by_arrivals_and_told_nothing_that_it_does_not_know(self):
        with self.adapter("elder") as worker:
            self.loaded(worker, flash_attn="on")
            times = self.generate(worker)
            self.assertEqual(len(times), 8)
            self.assertEqual(worker.ask("check")["logits"], [], "texts do not say which tokens they are")
        words = self.starts()[0]
        self.assertIn("--flash-attn", words)
        self.assertNotIn("on", words)
        self.assertNotIn("--fit", words)

    def test_cousin(self):
        with self.adapter("cousin") as worker:
            self.assertIn("ik_llama.cpp", worker.engine["llama_version"])
            context = self.loaded(worker)
            self.assertEqual(context["memory"][0]["model_bytes"], 2621440)
            self.assertEqual(len(self.generate(worker)), 8)
        self.assertNotIn("--fit", self.starts()[0])

    def test_four_slots_are_kept_to_one(self):
        with self.adapter("four-slots") as worker:
            self.loaded(worker)
        self.assertIn("--kv-unified", self.starts()[0])

    def test_silent_has_no_memory_figures_and_says_so(self):
        with self.adapter("silent") as worker:
            context = self.loaded(worker)
            self.assertEqual(context["memory"], [])
            self.assertIn("prints no sizes", context["memory_note"])

    def test_remover(self):
        fault = self.refused("remover")
        self.assertEqual(fault["code"], "config-rejected")
        self.assertIn("has been removed", fault["message"])

    def test_a_stranger_on_the_port_is_left_for_another_port(self):
        for persona in ("twin", "port-taken"):
            with self.subTest(persona), self.adapter(persona) as worker:
                self.loaded(worker)
                self.assertEqual(len(self.starts()), 2)
                self.assertEqual(len(self.generate(worker)), 8)
            for path in (self.notes, self.folder / "tiny.gguf"):
                path.unlink()

    def test_a_server_that_answers_anybody_is_not_measured(self):
        fault = self.refused("keyless")
        self.assertIn("port", fault["message"])
        self.assertEqual(len(self.starts()), 3)

    def test_one_that_ends_while_it_loads(self):
        fault = self.refused("dies-loading")
        self.assertEqual((fault["code"], fault["phase"]), ("engine-ended", "load"))
        self.assertIn("exit code 1", fault["message"])
        self.assertTrue(any("cudaMalloc failed" in line for line in fault["log"]), fault)

    def test_one_that_dies_in_the_middle(self):
        with self.adapter("dies") as worker:
            self.loaded(worker)
            with self.assertRaises(Refused) as caught:
                self.generate(worker)
        fault = caught.exception.fault
        self.assertEqual(fault["code"], "engine-ended")
        self.assertIn("SIGABRT", fault["message"])
        self.assertTrue(any("GGML_ASSERT" in line for line in fault["log"]), fault)

    def test_one_that_hangs_can_be_left(self):
        with self.adapter("hangs") as worker:
            worker.ask("load", path=str(self.synth()), config=CONFIG, slice=None)
            asking = threading.Thread(target=self.left_waiting, args=(worker,))
            asking.start()
            time.sleep(2)
            self.assertTrue(asking.is_alive())
            worker.process.terminate()
            asking.join(10)
            self.assertFalse(asking.is_alive())

    def left_waiting(self, worker):
        """A context whose server answers nothing: over when the worker is."""
        with self.assertRaises(AssertionError):
            worker.ask("context", config=CONFIG)

    def test_nonsense(self):
        with self.adapter("nonsense") as worker:
            self.loaded(worker)
            with self.assertRaises(Refused) as caught:
                self.generate(worker)
        self.assertIn("makes no sense", caught.exception.fault["message"])

    def test_one_that_streams_for_ever_is_stopped(self):
        with self.adapter("endless") as worker:
            self.loaded(worker)
            times = []

            def stop_after_five(event):
                times.append(event["duration_ms"])
                if len(times) == 5:
                    worker.stop()

            worker.ask("measure", on_sample=stop_after_five, kind="generation", cache_tokens=0, tokens_per_pass=8,
                       max_samples=100000)
            self.assertGreaterEqual(len(times), 5)
            self.assertLess(len(times), 1000)

    def test_one_that_ends_early_gives_no_speed(self):
        with self.adapter("ends-early") as worker:
            self.loaded(worker)
            with self.assertRaises(Refused) as caught:
                self.generate(worker)
        self.assertIn("before a token was timed", caught.exception.fault["message"])

    def test_one_that_does_not_tell_of_every_token(self):
        with self.adapter("syllables") as worker:
            self.loaded(worker)
            counts = []
            worker.ask("measure", on_sample=lambda event: counts.append(event["tokens"]), kind="generation",
                       cache_tokens=16, tokens_per_pass=8, max_samples=8)
        self.assertEqual(counts, [2] * 8, "as many samples as were asked for")

    def test_numbers_that_are_none(self):
        with self.adapter("infinite") as worker:
            self.loaded(worker)
            checked = worker.ask("check")
            self.assertEqual((checked["finite"], checked["logits"]), (False, []))

    def test_what_is_no_llama_server(self):
        with self.assertRaises(Refused) as caught:
            self.adapter("no-server")
        self.assertIn("is no llama-server", caught.exception.fault["message"])

    def test_several_streams_side_by_side(self):
        with self.adapter("modern") as worker:
            self.loaded(worker, n_parallel=3, n_ctx=768)
            tokens = []
            worker.ask("measure", on_sample=lambda event: tokens.append(event["tokens"]), kind="generation",
                       cache_tokens=8, tokens_per_pass=8, max_samples=8)
            self.assertEqual(set(tokens), {3})


if __name__ == "__main__":
    unittest.main()
