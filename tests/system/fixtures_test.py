"""Headers of well-known models in tests/fixtures/headers: written by our own generator, true to size, and
each the start of a model that llama.cpp loads and decodes."""

import json
import os
import shutil
import subprocess
import unittest

from harness import BIN, EXIT_MODEL, EXIT_NOTHING, EXIT_OUTPUT, EXIT_USAGE, SOURCE, TINY, SystemTest

HEADERS = SOURCE / "tests" / "fixtures" / "headers"

# Blocks, vocabulary, bytes of the tensors as llama-quantize's Q4_K_M of the geometry has them, and the
# blocks of a slice that llama.cpp is given: as many as stay at about 1 GB.
MODELS = {
    "zephyr-7b": (32, 32000, 4_367_704_064, 4),
    "llama-2-13b": (40, 32000, 7_865_210_880, 2),
    "llama-2-70b": (80, 32000, 41_422_143_488, 1),
    "mixtral-8x7b": (32, 32000, 28_447_727_616, 1),
    "qwen3-30b-a3b": (48, 151936, 18_550_716_416, 2),
    "gemma-3-12b": (48, 262208, 7_294_226_304, 2),
    "lfm2-1.2b": (16, 65536, 728_509_440, 4),
}


class Headers(SystemTest):
    def inspect(self, path):
        done = self.run_sweetspot("inspect", "--json", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_header_is_listed_here(self):
        self.assertEqual({path.stem for path in HEADERS.glob("*.gguf")}, set(MODELS))

    def test_the_generator_writes_the_same_bytes_again(self):
        subprocess.run([SOURCE / "scripts" / "make-header-fixtures.sh", self.folder / "again"],
                       check=True, capture_output=True, timeout=60,
                       env=self.environment({"SWEETSPOT_BIN_DIR": str(BIN)}))
        for name in MODELS:
            with self.subTest(name=name):
                again = (self.folder / "again" / f"{name}.gguf").read_bytes()
                self.assertEqual(again, (HEADERS / f"{name}.gguf").read_bytes())

    def test_inspect_reads_each_at_its_full_length_and_not_below(self):
        for name, (blocks, vocabulary, tensor_bytes, _) in MODELS.items():
            with self.subTest(name=name):
                model = self.folder / f"{name}.gguf"
                shutil.copy(HEADERS / model.name, model)
                whole = model.stat().st_size + tensor_bytes
                os.truncate(model, whole)  # without data: the file is as sparse as can be
                found = self.inspect(model)
                self.assertEqual((found["n_layer"], found["n_vocab"], found["size_bytes"]),
                                 (blocks, vocabulary, tensor_bytes))
                self.assertEqual(found["hybrid"], name.startswith("lfm2"))
                os.truncate(model, whole - 1)
                done = self.run_sweetspot("inspect", model)
                self.assert_clear_sentence(done, EXIT_MODEL, model.name, "the file is incomplete")


class Slices(SystemTest):
    def slice_of(self, source, *arguments):
        path = self.synth("slice.gguf", "--like", source, *arguments)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def assert_decodes(self, model, blocks):
        done, run = self.profile(model, "--layers", "0", "--max-seconds", "0.1", "-p", "16", "-n", "8")
        # Whether it decodes is asked, not how fast: on a busy machine the speed may be too uncertain.
        self.assertIn(done.returncode, (0, EXIT_NOTHING), done.stderr)
        self.assertEqual(run["model"]["n_layer"], blocks)
        row = run["results"][0]
        self.assertIsNone(row["error"])
        self.assertGreater(row["generation"]["tokens_per_second"], 0)
        return run["model"]

    def test_a_slice_of_each_loads_and_decodes(self):
        for name, (_, _, _, blocks) in MODELS.items():
            with self.subTest(name=name):
                model = self.slice_of(HEADERS / f"{name}.gguf", "--blocks", blocks)
                self.assert_decodes(model, blocks)
                model.unlink()

    def test_a_slice_of_a_model_with_a_vocabulary_can_do_without(self):
        whole = self.synth("tiny.gguf", *TINY)
        for vocabulary in ((), ("--no-vocab",)):
            with self.subTest(vocabulary=vocabulary):
                model = self.slice_of(whole, "--blocks", 2, *vocabulary)
                self.assertEqual(self.assert_decodes(model, 2)["n_vocab"], 512)
                self.assertEqual(b"<0x41>" in model.read_bytes(), not vocabulary)

    def test_all_blocks_are_copied_unless_told_otherwise(self):
        header = HEADERS / "lfm2-1.2b.gguf"
        copy = self.synth("copy.gguf", "--like", header, "--header-only")
        self.assertEqual(copy.stat().st_size, header.stat().st_size)

    def test_a_slice_longer_than_the_model(self):
        done = self.run_sweetspot("synth", "s.gguf", "--like", HEADERS / "zephyr-7b.gguf", "--blocks", 33)
        self.assert_clear_sentence(done, EXIT_OUTPUT, "33", "32", "blocks")
        self.assertFalse((self.folder / "s.gguf").exists())

    def test_a_slice_of_no_blocks(self):
        done = self.run_sweetspot("synth", "s.gguf", "--like", HEADERS / "zephyr-7b.gguf", "--blocks", 0)
        self.assert_clear_sentence(done, EXIT_USAGE, "--blocks")


if __name__ == "__main__":
    unittest.main()
