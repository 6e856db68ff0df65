"""sweetspot-adapter on the real llama-server: what the linked worker does, with a server that is not ours."""

import json
import unittest

from harness import BIN, EXIT_NOTHING, FAST, LLAMA_PROGRAMS, NO_DEVICES, SystemTest
from worker_client import Refused, Worker

CONFIG = {"n_gpu_layers": 0, "n_ctx": 512, "n_batch": 64, "n_ubatch": 64, "n_threads": 1, "devices": ["none"]}
HALF_OF_A_HUNDREDTH = (1 << 20) / 200


class Adapter(SystemTest):
    def engine(self, **more):
        return self.environment(NO_DEVICES | {"SWEETSPOT_ENGINE": str(LLAMA_PROGRAMS / "llama-server")} | more)

    def adapter(self, rpc=()):
        return Worker(self.engine(), rpc, program="sweetspot-adapter")

    def linked(self, rpc=()):
        return Worker(self.environment(NO_DEVICES), rpc)

    def loaded(self, worker, model, config):
        worker.ask("load", path=str(model), config=config, slice=None)
        return worker.ask("context", config=config)

    def test_a_header_is_read_as_the_linked_worker_reads_it(self):
        model = self.synth()
        with self.adapter() as adapter, self.linked() as linked:
            self.assertEqual(adapter.ask("inspect", path=str(model), header_only=False),
                             linked.ask("inspect", path=str(model), header_only=False))
            self.assertEqual(adapter.engine["llama_build"], linked.engine["llama_build"], "one spelling")

    def test_it_finds_its_engine_as_the_flag_does(self):
        server = LLAMA_PROGRAMS / "llama-server"
        llama = self.folder / "with blanks/llama"
        llama.parent.mkdir()
        llama.write_text(f"#!/bin/sh\n[ \"$1\" = serve ] || exit 64\nshift\nexec '{server}' \"$@\"\n")
        llama.chmod(0o755)
        for engine in (llama, llama.parent, f"env LLAMA_ARG_N_PARALLEL=3 '{llama}' serve"):
            with self.subTest(engine=str(engine)):
                with Worker(self.engine(SWEETSPOT_ENGINE=str(engine)), program="sweetspot-adapter") as adapter:
                    self.assertIn("0.", adapter.engine["llama_version"])
        with self.assertRaises(Refused) as caught:
            Worker(self.engine(SWEETSPOT_ENGINE=str(self.folder / "nowhere")), program="sweetspot-adapter")
        self.assertIn("does not exist", caught.exception.fault["message"])

    def test_memory_is_the_linked_worker_s_to_within_what_is_printed(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        with self.adapter() as adapter, self.linked() as linked:
            got = self.loaded(adapter, model, CONFIG)
            wanted = self.loaded(linked, model, CONFIG)
            buffers = 40
            self.assertEqual([device["id"] for device in got["memory"]],
                             [device["id"] for device in wanted["memory"]])
            for mine, theirs in zip(got["memory"], wanted["memory"]):
                for part in ("model_bytes", "context_bytes", "compute_bytes"):
                    self.assertAlmostEqual(mine[part], theirs[part], delta=buffers * HALF_OF_A_HUNDREDTH, msg=part)
            for name in ("n_ctx", "n_batch", "n_ubatch", "n_threads", "flash_attn", "type_k", "type_v"):
                self.assertEqual(got["effective"][name], wanted["effective"][name], name)

    def test_it_computes_what_the_linked_worker_computes(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        with self.adapter() as adapter:
            self.loaded(adapter, model, CONFIG)
            first = adapter.ask("check")
            self.assertTrue(first["finite"])
            self.assertEqual(len(first["logits"]), 256)
            adapter.ask("context", config=CONFIG | {"n_ubatch": 32})
            again = adapter.ask("check")
            for a, b in zip(first["logits"], again["logits"]):
                self.assertAlmostEqual(a, b, delta=0.1)

    def test_samples_at_a_depth_and_side_by_side(self):
        model = self.synth()
        self.needs_llama_cpp(model, 2)
        with self.adapter() as adapter:
            self.loaded(adapter, model, CONFIG)
            times = adapter.measure(kind="generation", cache_tokens=100, tokens_per_pass=16, max_samples=40)
            self.assertEqual(len(times), 40)
            tokens = []
            adapter.ask("measure", on_sample=lambda event: tokens.append(event["tokens"]), kind="prompt",
                        cache_tokens=100, tokens_per_pass=64, max_samples=2)
            for count in tokens:
                self.assertAlmostEqual(count, 64, delta=1)
            adapter.ask("context", config=CONFIG | {"n_parallel": 2})
            tokens = []
            adapter.ask("measure", on_sample=lambda event: tokens.append(event["tokens"]), kind="generation",
                        cache_tokens=32, tokens_per_pass=16, max_samples=16)
            self.assertFalse([count for count in tokens if count % 2], "steps of both")
            depth = adapter.ask("full-depth")
            self.assertEqual(depth["n_sequences"], 2)
            self.assertGreater(depth["tokens_each"], 230)

    def test_the_divergence_of_a_smaller_cache(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        config = CONFIG | {"n_ctx": 256, "flash_attn": "on"}
        with self.adapter() as adapter:
            self.loaded(adapter, model, config)
            kept = adapter.ask("divergence", keep_as_reference=True, tokens=64)
            same = adapter.ask("divergence", keep_as_reference=False, tokens=64)
            self.assertEqual(kept["positions"], 32)
            self.assertLess(same["mean"], 1e-3)
            self.assertEqual(same["same_top"], 1)
            adapter.ask("context", config=config | {"type_k": "q4_0", "type_v": "q4_0"})
            smaller = adapter.ask("divergence", keep_as_reference=False, tokens=64)
            self.assertGreater(smaller["mean"], same["mean"])

    def test_what_only_the_linked_worker_does_is_refused(self):
        with self.adapter() as adapter, self.assertRaises(Refused) as caught:
            adapter.ask("load", path=str(self.synth()), config=CONFIG,
                        slice={"first_block": 0, "n_blocks": 1, "vocab_rows": 0})
        self.assertIn("not with a llama-server", caught.exception.fault["message"])

    def test_a_flag_of_the_model_that_llama_cpp_refuses(self):
        model = self.synth()
        with self.adapter() as adapter, self.assertRaises(Refused) as caught:
            self.loaded(adapter, model, CONFIG | {"devices": ["CUDA7"]})
        self.assertEqual(caught.exception.fault["code"], "config-rejected")

    def profile_with(self, model, *arguments):
        return self.run_sweetspot("profile", model, *FAST, "--json", *arguments,
                                  env=NO_DEVICES | {"SWEETSPOT_WORKER": str(BIN / "sweetspot-adapter"),
                                                    "SWEETSPOT_ENGINE": str(LLAMA_PROGRAMS / "llama-server")})

    def test_a_profile_on_the_cpu(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        done = self.profile_with(model)
        self.assertIn(done.returncode, (0, EXIT_NOTHING), done.stderr)  # a busy machine makes it uncertain
        run = json.loads(done.stdout)
        self.assertTrue(run["results"])
        for trial in run["results"]:
            self.assertIsNone(trial["error"], trial)
            self.assertGreater(trial["generation"]["tokens_per_second"], 0)

    def test_a_profile_with_a_device(self):
        model = self.synth()
        self.needs_llama_cpp(model)
        with self.rpc_server() as endpoint:
            done = self.profile_with(model, "--rpc", endpoint, "--layers", "0,2,-1")
        self.assertIn(done.returncode, (0, EXIT_NOTHING), done.stderr)
        run = json.loads(done.stdout)
        self.assertEqual([trial["error"] for trial in run["results"] if trial["error"]], [])
        layers = {trial["layers"]: trial for trial in run["results"]}
        self.assertLessEqual({0, 2, 4}, set(layers))
        device = [memory for memory in layers[4]["devices"] if memory["id"] == "RPC0"]
        self.assertGreater(device[0]["model_bytes"], 0)
        self.assertEqual(layers[2]["effective"]["n_gpu_layers"], 2)


if __name__ == "__main__":
    unittest.main()
