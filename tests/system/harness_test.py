"""What asks llama.cpp's own programs whether they can compute a model: a test that rests on them must neither
fail for their faults nor be skipped without one."""

import sys
import unittest

import harness
from harness import EXIT_SKIPPED, LLAMA_PROGRAMS, NO_DEVICES, SystemTest, TINY, fill_tensors_with_nan


class AskingLlamaCpp(SystemTest):
    def objection(self, model, sequences=4):
        return harness.llama_cpp_objection(model, sequences, self.environment(NO_DEVICES))

    def programs(self, **scripts):
        """Stand-ins for some of llama.cpp's programs beside the real ones, for the rest of this test."""
        folder = self.folder / "programs"
        folder.mkdir()
        for real in LLAMA_PROGRAMS.iterdir():
            (folder / real.name).symlink_to(real)
        for name, script in scripts.items():
            path = folder / f"llama-{name.replace('_', '-')}"
            path.unlink()
            path.write_text("#!/bin/sh\n" + script)
            path.chmod(0o755)
        self.addCleanup(setattr, harness, "LLAMA_PROGRAMS", LLAMA_PROGRAMS)
        harness.LLAMA_PROGRAMS = folder

    def test_no_objection_to_what_it_computes(self):
        for sequences in (1, 4):
            self.assertIsNone(self.objection(self.synth(), sequences))

    def test_a_file_it_does_not_load_and_numbers_that_are_none(self):
        broken = self.synth("broken.gguf")
        broken.write_bytes(broken.read_bytes()[:2000])
        self.assertRegex(self.objection(broken), r"llama-batched-bench -npl 4: exit code 1: .*(error|failed)")
        poisoned = self.synth("nan.gguf", *TINY, "--type", "f16")
        fill_tensors_with_nan(poisoned)
        self.assertIn("nan", self.objection(poisoned))

    def test_a_crash_is_skipped_with_the_words_of_the_program(self):
        words = "ggml-cpu/ops.cpp:4947: GGML_ASSERT(i1 >= 0 && i1 < ne1) failed"
        self.programs(batched_bench=f"echo '{words}' >&2\nkill -ABRT $$\n")
        with self.assertRaises(unittest.SkipTest) as skipped:
            self.needs_llama_cpp(self.synth(), 4)
        self.assertEqual(str(skipped.exception), "llama.cpp itself fails: llama-batched-bench -npl 4: ended "
                                                 f"by SIGABRT: {words}")

    def test_other_values_for_several_sequences_than_for_one(self):
        self.programs(perplexity='case "$*" in *"-b 128 "*) echo "[1]900.5,";;'
                                 ' *) echo "[1]800.5,";; esac\n')
        self.assertEqual(self.objection(self.synth("other.gguf")),
                         "llama-perplexity: 900.5 for 4 sequences side by side, 800.5 for one")

    def test_a_log_that_lost_its_end_is_no_objection(self):
        self.programs(perplexity="exit 0\n")
        self.assertIsNone(self.objection(self.synth("lost.gguf")))

    def test_ctest_is_told_of_what_was_skipped(self):
        class Cases(unittest.TestCase):
            def test_works(self):
                pass

            def test_in_part(self):
                with self.subTest(architecture="lfm2"):
                    self.skipTest("the words")
                self.assertTrue(self.works)

        for works, code in ((True, EXIT_SKIPPED), (False, 1)):
            Cases.works = works
            module = type(sys)("cases")
            module.Cases = Cases
            with self.assertRaises(SystemExit) as ended:
                harness.main(module, argv=["cases"])
            self.assertEqual(ended.exception.code, code)


if __name__ == "__main__":
    if not (LLAMA_PROGRAMS / "llama-batched-bench").exists():
        print(f"skipped: llama.cpp's programs are not in {LLAMA_PROGRAMS}", file=sys.stderr)
        sys.exit(EXIT_SKIPPED)
    unittest.main()
