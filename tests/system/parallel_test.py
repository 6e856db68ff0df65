"""Several sequences side by side on real models and a real llama.cpp: what `--parallel` measures and proves."""

import itertools
import json
import subprocess

from harness import EXIT_USAGE, SOURCE, SystemTest, TINY, main
from worker_client import Refused, Worker

# What goes back in part, and what does not: a sliding window, a hybrid with a recurrent part.
ARCHITECTURES = {
    "llama": TINY,
    "gemma3": [*TINY, "--arch", "gemma3", "--sliding-window", "64"],
    "lfm2": [*TINY, "--arch", "lfm2"],
    "qwen3moe": [*TINY, "--arch", "qwen3moe", "--experts", "8", "--experts-used", "2",
                 "--expert-ff", "256"],
}
QUICK = ["-b", "64", "-ub", "64", "-p", "32", "-n", "16", "--max-seconds", "0.3", "-t", "1"]


class SideBySide(SystemTest):
    def worker(self, model, **context):
        self.needs_llama_cpp(model, context["n_parallel"])
        worker = Worker(self.environment())
        self.addCleanup(worker.__exit__)
        worker.ask("load", path=str(model), config={"n_gpu_layers": 0}, slice=None)
        worker.ask("context", config={"n_batch": 64, "n_ubatch": 64, "n_threads": 1, **context})
        return worker

    @staticmethod
    def samples(worker, kind, cache_tokens, tokens_per_pass, count):
        seen = []
        result = worker.ask("measure", kind=kind, cache_tokens=cache_tokens,
                            tokens_per_pass=tokens_per_pass, max_samples=count,
                            on_sample=seen.append)
        return seen, result["passes"]

    def test_every_kind_of_cache_measures_and_fills_all_sequences(self):
        for (name, geometry), unified in itertools.product(ARCHITECTURES.items(), (False, True)):
            with self.subTest(architecture=name, kv_unified=unified):
                worker = self.worker(self.synth(f"{name}.gguf", *geometry), n_ctx=1024,
                                     n_parallel=4, kv_unified=unified)
                for _ in range(2):  # deeper and shallower than what is there
                    prompts, _ = self.samples(worker, "prompt", 100, 30, 3)
                    self.assertEqual([one["tokens"] for one in prompts], [30] * 3)
                    steps, passes = self.samples(worker, "generation", 150, 8, 24)
                    self.assertEqual([one["tokens"] for one in steps], [4] * 24)
                    self.assertEqual(passes, 3)
                    self.assertTrue(all(one["finite"] for one in prompts + steps))
                full = worker.ask("full-depth")
                self.assertEqual((full["n_sequences"], full["tokens_each"]), (4, 256))
                copied = name in ("llama", "qwen3moe")
                self.assertEqual(full["filled_by"], "copy" if copied else "decode")

    def test_more_sequences_than_a_physical_batch_holds(self):
        worker = self.worker(self.synth(), n_ctx=8 * 256, n_batch=8, n_ubatch=3, n_parallel=8)
        steps, _ = self.samples(worker, "generation", 5, 2, 4)
        self.assertEqual([one["tokens"] for one in steps], [8] * 4)
        self.assertEqual(worker.ask("full-depth")["n_sequences"], 8)
        with self.assertRaises(Refused) as refused:  # llama.cpp itself aborts
            worker.ask("context", config={"n_ctx": 8 * 256, "n_batch": 7, "n_parallel": 8})
        self.assertEqual(refused.exception.fault["code"], "config-rejected")

    def test_a_part_that_the_last_batch_fills_alone(self):
        with self.rpc_server() as address:
            model = self.synth()
            self.needs_llama_cpp(model, 4)
            worker = Worker(self.environment(), rpc=[address])
            self.addCleanup(worker.__exit__)
            worker.ask("load", path=str(model), config={"n_gpu_layers": 4}, slice=None)
            worker.ask("context", config={"n_ctx": 1024, "n_ubatch": 1024, "n_parallel": 4})
            self.assertEqual(worker.ask("full-depth")["tokens_each"], 256)

    def test_a_sequence_without_room_is_refused_and_the_worker_lives_on(self):
        worker = self.worker(self.synth(), n_ctx=1024, n_parallel=4, kv_unified=True)
        with self.assertRaises(Refused) as refused:
            self.samples(worker, "generation", 250, 8, 8)
        self.assertEqual(refused.exception.fault["code"], "bad-request")
        self.assertIn("256", refused.exception.fault["message"])
        self.assertTrue(self.samples(worker, "generation", 248, 8, 8)[0])

    def test_profile_reports_the_speed_of_all_together(self):
        model = self.synth()
        self.needs_llama_cpp(model, 4)
        arguments = ["--layers", "0", "-c", "1024", "-np", "4", *QUICK]
        done = self.run_sweetspot("profile", model, *arguments, "--json", "-o", "run.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        run = json.loads(done.stdout)
        self.assertEqual(run["workload"]["n_parallel"], 4)
        row = run["results"][0]
        self.assertEqual(set(row["generation"]["raw"]["tokens"]), {4})
        self.assertEqual(set(row["prompt"]["raw"]["tokens"]), {32})
        times = sorted(row["generation"]["raw"]["duration_ms"])
        self.assertLessEqual(times[0] / 4, row["generation"]["ms_per_token"])
        self.assertGreaterEqual(times[-1] / 4, row["generation"]["ms_per_token"])
        self.assertEqual(row["full_depth"], {**row["full_depth"], "state": "verified",
                                             "note": "4 sequences of 256 tokens each, filled by copy"})
        checked = subprocess.run(
            ["/usr/bin/python3", str(SOURCE / "tests/system/validate_json.py"),
             str(SOURCE / "docs/formats/run-1.schema.json"), str(self.folder / "run.json")],
            capture_output=True, text=True, timeout=60)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        shown = self.run_sweetspot("profile", model, *arguments, "--details")
        words = " ".join(shown.stdout.split())
        self.assertIn("4 sequences side by side (tok/s of all together)", words)

    def test_what_is_too_much_is_one_sentence_with_its_remedy(self):
        model = self.synth()
        for command, arguments, words in (
                ("profile", ["-np", "257"], ("--parallel", "256")),
                ("profile", ["-np", "0"], ("--parallel",)),
                ("profile", ["-np", "65", "-b", "64"], ("--parallel 65", "--batch-size")),
                ("plan", ["-np", "65", "-b", "64"], ("--parallel 65", "--batch-size")),
                ("profile", ["-np", "4", "-c", "1024"], ("4 sequences", "--ctx-size", "--parallel")),
                ("tune", ["-np", "4", "-c", "2048"], ("4 sequences", "--ctx-size", "--parallel")),
                ("tune", ["-np", "256", "-d", "1000000000"],
                 ("256 sequences", "--ctx-size", "--parallel")),
                ("tune", ["-np", "256", "-d", "1000000"], ("256 times", "--ctx-size"))):
            with self.subTest(command=command, arguments=arguments):
                done = self.run_sweetspot(command, model, *arguments)
                self.assert_clear_sentence(done, EXIT_USAGE, *words)


if __name__ == "__main__":
    main()
