"""Models that only read (BERT's kin), servers that only make embeddings or scores, and models that llama.cpp runs
in a way that we do not time. The judge is llama-server itself: what it answers at the longest input."""

import json
import unittest
import urllib.error
import urllib.request

from harness import EXIT_MODEL, EXIT_NOTHING, EXIT_USAGE, FAST, TINY
from launch_test import LaunchTest, ask

# Nothing about them is large: a head of 64 and two blocks.
READER = ["--blocks", "2", "--embd", "256", "--ff", "512", "--heads", "4", "--kv-heads", "4", "--vocab", "512"]
BERT = ["--arch", "bert", "--ctx-train", "128", *READER]
RERANKER = [*BERT, "--pooling", "rank"]
NOMIC = ["--arch", "nomic-bert", "--ctx-train", "700", *READER]
T5 = ["--arch", "t5", "--ctx-train", "512", *READER]
QUICK = ["-p", "32", "-t", "1"]


def post(port, path, body):
    """Status and JSON of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


class Readers(LaunchTest):
    def profile_of(self, model, *arguments):
        """A run; on a machine that is busy its speeds may be too uncertain to conclude anything, which ends with
        code 5 and changes no row."""
        done = self.run_sweetspot("profile", model, *QUICK, "--max-seconds", "0.5", "--layers", "0", "--json", *arguments)
        self.assertIn(done.returncode, (0, EXIT_NOTHING), done.stderr)
        run = json.loads(done.stdout)
        run["results"] = run["results"][-1:]  # a disturbed reference is measured anew
        return run

    def test_the_header_says_what_it_is(self):
        for name, arguments, kind, pooling in (("bert", BERT, "encoder", "mean"),
                                               ("rank", RERANKER, "encoder", "rank"),
                                               ("t5", T5, "encoder-decoder", None),
                                               ("llama", TINY, "decoder", None)):
            with self.subTest(name):
                model = self.synth(f"{name}.gguf", *arguments)
                shown = json.loads(self.run_sweetspot("inspect", model, "--json").stdout)
                self.assertEqual((shown["kind"], shown["pooling"]), (kind, pooling))

    def test_an_encoder_is_measured_by_what_it_reads(self):
        for name, arguments in (("bert", BERT), ("rank", RERANKER), ("nomic", NOMIC)):
            with self.subTest(name):
                run = self.profile_of(self.synth(f"{name}.gguf", *arguments), "--no-store")
                (row,) = run["results"]
                self.assertEqual((row["status"], row["workload"]["n_gen"]), ("measured", 0), row)
                self.assertIsNone(row["generation"])
                inputs, tokens = row["inputs_per_second"]["value"], row["prompt"]["tokens_per_second"]
                self.assertGreater(inputs, 0)
                self.assertAlmostEqual(inputs * 32, tokens, delta=1e-6 * tokens)
                longest = int(arguments[3])
                self.assertEqual(row["full_depth"]["state"], "verified", row)
                self.assertEqual([row["config"][key] for key in ("n_ctx", "n_batch", "n_ubatch")], [longest] * 3)

    def test_an_encoder_of_t5_is_measured_too(self):
        run = self.profile_of(self.synth("t5.gguf", *T5[:1], "t5encoder", *T5[2:]), "--no-store")
        self.assertEqual(run["results"][0]["status"], "measured", run["results"][0])

    def test_a_generating_model_can_be_measured_as_an_embedder(self):
        run = self.profile_of(self.synth(), "--no-store", "--embedding", "--pooling", "mean", "-c", "256")
        (row,) = run["results"]
        self.assertEqual((row["status"], row["generation"]), ("measured", None), row)
        self.assertEqual((row["config"]["n_ubatch"], row["config"]["pooling"]), (256, "mean"))

    def test_what_reads_and_writes_in_two_halves_is_refused_as_what_it_is(self):
        model = self.synth("t5.gguf", *T5)
        for command in (["profile", model, *FAST], ["tune", model]):
            said = self.assert_clear_sentence(self.run_sweetspot(*command), EXIT_MODEL, "t5", "encoder")
            self.assertNotIn("does not know", said)
        self.assert_clear_sentence(self.run_sweetspot("tune", self.synth("bert.gguf", *BERT)), EXIT_USAGE,
                                   "only reads")

    def test_profiles_choice_and_export_of_an_encoder(self):
        model = self.synth("bert.gguf", *BERT)
        for seconds in ("0.5", "2", "8"):  # more where others use the processor
            done = self.run_sweetspot("profile", model, *QUICK, "--max-seconds", seconds, "--layers", "0")
            if done.returncode == 0:
                break
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("inputs/s", done.stdout)
        chosen = json.loads(self.run_sweetspot("choose", model, "--json").stdout)
        (profile,) = chosen["set"]["profiles"]
        self.assertIsNone(profile["tokens_per_second"])
        self.assertIn("only reads", profile["absent"]["tokens_per_second"])
        self.assertGreater(profile["prompt_tokens_per_second"]["value"], 0)
        self.assertEqual(chosen["set"]["objective"], "prompt")
        flags = self.run_sweetspot("choose", model, "--format", "llama-server").stdout.split()
        for words in (["--batch-size", "128"], ["--ubatch-size", "128"], ["--embedding"]):
            self.assertEqual(flags[flags.index(words[0]):][:len(words)], words, flags)
        python = json.loads(self.run_sweetspot("choose", model, "--format", "llama-cpp-python").stdout)
        self.assertEqual((python["embedding"], python["n_ubatch"]), (True, 128))
        self.assertIn("inputs of 32 tokens", self.run_sweetspot("profiles", "show", model).stdout)

    def test_a_plan_has_the_longest_input_in_one_piece(self):
        model = self.synth("nomic.gguf", *NOMIC)
        done = self.run_sweetspot("plan", model, "--flags", "--vram-limit", "4GiB")
        flags = done.stdout.split()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([flags[flags.index(each) + 1] for each in ("--ctx-size", "--batch-size", "--ubatch-size")],
                         ["700"] * 3)
        self.assertIn("--embedding", flags)

    def test_an_encoder_that_nobody_measured_is_launched_for_what_it_does(self):
        for name, arguments, path, body in (
                ("bert", BERT, "/v1/embeddings", {"input": [5] * 128}),
                ("nomic", NOMIC, "/v1/embeddings", {"input": [5] * 700}),
                ("rank", RERANKER, "/v1/rerank", {"query": "a", "documents": ["b", "c d e"]})):
            with self.subTest(name):
                launched = self.launch(self.synth(f"{name}.gguf", *arguments))
                healthy = launched.wait("healthy")
                self.assertTrue(healthy["inputs"])
                self.assertIsNone(healthy["doubt"], healthy)
                # A reranker is asked with words, which need not come out even.
                least = int(arguments[3]) - (16 if name == "rank" else 0)
                self.assertIn(healthy["depth_tokens"], range(least, int(arguments[3]) + 1))
                status, answer = post(self.port, path, body)
                self.assertEqual(status, 200, answer)
                self.assertEqual(launched.end(), 0)

    def test_an_embedding_server_of_a_generating_model_locks_nothing(self):
        model = self.synth()
        path = self.store(model, [], [("cpu_fallback", 0, {})])
        for _ in range(3):
            launched = self.launch(model, "--", "llama-server", "--embedding")
            healthy = launched.wait("healthy")
            self.assertTrue(healthy["inputs"])
            # Its batch is 128, and its context 512: what lies between is refused.
            self.assertEqual(healthy["depth_tokens"], 128)
            self.assertIn("longer", healthy["doubt"])
            self.assertEqual(post(self.port, "/embeddings", {"content": [5] * 128})[0], 200)
            self.assertEqual(launched.end(), 0)
        chat = self.launch(model)
        self.assertEqual(chat.wait("healthy")["depth_tokens"], 504)
        self.assertEqual(ask(self.port)["tokens_predicted"], 4)
        self.assertEqual(chat.end(), 0)
        by = [(each["program"], each["arguments"], each["result"]) for each in json.loads(path.read_text())["reports"]]
        self.assertEqual(by, [("llama-server", ["--embedding"], "loaded")] * 3 + [("llama-server", [], "loaded")])

    def test_variables_tell_it_too(self):
        model = self.synth()
        self.store(model, [], [("cpu_fallback", 0, {})])
        launched = self.launch(model, env={"LLAMA_ARG_EMBEDDINGS": "1", "LLAMA_ARG_POOLING": "mean"})
        self.assertTrue(launched.wait("healthy")["inputs"])
        self.assertEqual(launched.end(), 0)

    def test_what_crashed_with_some_arguments_is_held_for_them_alone_and_forgotten(self):
        model = self.synth()
        path = self.store(model, [], [("fast", 3, {}), ("cpu_fallback", 0, {})])
        program = self.server_after('case "$*" in *crash*) kill -ABRT $$;; esac')
        for _ in range(3):
            # Not even the last rung is locked by it.
            launched = self.launch(model, "--", program, "--mmproj", "crash")
            finished = launched.wait("finished")
            self.assertNotIn("memory", finished["error"])
            self.assertEqual(launched.end(), EXIT_NOTHING)
        self.assertEqual(launched.all("starting")[0]["profile"], "cpu_fallback")
        shown = self.run_sweetspot("profiles", "show", model).stdout
        self.assertIn("fast is avoided for llama-server --mmproj crash", shown)
        chosen = json.loads(self.run_sweetspot("choose", model, "--json").stdout)
        self.assertEqual(chosen["profile"], "fast")
        chat = self.launch(model)
        chat.wait("healthy")
        self.assertEqual([each["profile"] for each in chat.all("starting")], ["fast"])
        self.assertEqual(chat.end(), 0)
        done = self.run_sweetspot("profiles", "forget", model, "fast")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("is avoided", self.run_sweetspot("profiles", "show", model).stdout)
        self.assertTrue(json.loads(path.read_text())["reports"], "those of other profiles stay")
        self.run_sweetspot("profiles", "forget", model)
        self.assertEqual(json.loads(path.read_text())["reports"], [])
        self.assert_clear_sentence(self.run_sweetspot("profiles", "forget", model, "none"), EXIT_USAGE, "'none'")


if __name__ == "__main__":
    unittest.main()
