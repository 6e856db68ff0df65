"""What is typed, and what is said: one sentence with the user's own word, what to do, and whose help applies."""

import os
import unittest

from harness import EXIT_DEVICE, EXIT_MODEL, EXIT_USAGE, SystemTest, free_port

PROFILE_HELP = "see sweetspot profile --help"

# What is typed, the exit code, what the sentence holds.
TYPED = [
    (["profil", "m.gguf"], EXIT_USAGE, "no command `profil`; did you mean `profile` (see sweetspot --help)"),
    (["lanuch", "m.gguf"], EXIT_USAGE, "no command `lanuch`; did you mean `launch`"),
    (["help"], EXIT_USAGE, "no command `help`; did you mean --help"),
    (["version"], EXIT_USAGE, "did you mean --version"),
    (["frobnicate"], EXIT_USAGE, "no command `frobnicate`; see sweetspot --help"),
    (["profiles", "lst"], EXIT_USAGE, "no command `profiles lst`; did you mean `list` (see sweetspot profiles --help)"),
    (["-v"], EXIT_USAGE, "sweetspot does not take -v, which is llama-server's; see sweetspot --help"),
    (["--verison"], EXIT_USAGE, "unknown option --verison; did you mean --version"),
    (["profile", "m.gguf", "--ctx", "8192"], EXIT_USAGE,
     "unknown option --ctx for `profile`; did you mean --ctx-size (" + PROFILE_HELP + ")"),
    (["profile", "m.gguf", "--quik"], EXIT_USAGE, "unknown option --quik for `profile`; did you mean --quick"),
    (["profile", "m.gguf", "-ctx-size", "512"], EXIT_USAGE, "did you mean --ctx-size"),
    (["plan", "m.gguf", "--vram-limt=6GiB"], EXIT_USAGE, "did you mean --vram-limit (see sweetspot plan --help)"),
    (["profile"], EXIT_USAGE, "`sweetspot profile` needs more: sweetspot profile [options] MODEL.gguf; " + PROFILE_HELP),
    (["profile", "m.gguf", "--max-seconds", "-1"], EXIT_USAGE, PROFILE_HELP),
    (["plan", "m.gguf", "--vram-limit", "6"], EXIT_USAGE, "6GiB"),
    (["launch", "m.gguf", "--", "vllm"], EXIT_USAGE, "program not found: vllm"),
    (["choose", "no-such-model"], EXIT_MODEL, "no file and no measured model is called no-such-model; `sweetspot profiles list`"),
]


class Errors(SystemTest):
    def test_each_is_one_sentence_that_says_what_to_do(self):
        for typed, code, said in TYPED:
            with self.subTest(typed=" ".join(typed)):
                line = self.assert_clear_sentence(self.run_sweetspot(*typed), code, said)
                self.assertEqual(line.count("sweetspot: "), 1, "one prefix")

    def test_every_spelling_of_a_size(self):
        header = os.environ["SWEETSPOT_SOURCE_DIR"] + "/tests/fixtures/headers/zephyr-7b.gguf"
        small = ["--contexts", "512", "-c", "512", "-ngl", "0"]
        told = {self.run_sweetspot("plan", header, "--vram-limit", size, *small, "--json").stdout.count('"total_bytes": 6442450944')
                for size in ("6G", "6GiB", "6gb", "6 GB", "6GB", "6g")}
        self.assertEqual(len(told), 1)
        self.assertGreater(told.pop(), 0, "6 GiB, as cards are sold")

    def test_a_file_that_is_not_complete(self):
        model = self.synth()
        whole = model.stat().st_size
        os.truncate(model, whole // 2)
        for command in ("profile", "inspect"):
            line = self.assert_clear_sentence(self.run_sweetspot(command, model), EXIT_MODEL, model.name,
                                              "the file is incomplete (", "finish the download", "`sweetspot plan`")
            self.assertEqual(line.count("cannot be used"), 1, line)
        self.assertEqual(self.run_sweetspot("plan", model).returncode, 0, "plan needs the header only")
        os.truncate(model, 100)
        for command in ("profile", "plan", "inspect"):
            self.assert_clear_sentence(self.run_sweetspot(command, model), EXIT_MODEL, model.name,
                                       "the file is incomplete", "100 bytes", "finish the download")

    def test_an_rpc_server_that_is_not_there(self):
        address = f"127.0.0.1:{free_port()}"
        line = self.assert_clear_sentence(self.run_sweetspot("devices", "--rpc", address), EXIT_DEVICE, address,
                                          "is it running there", "is the port open")
        self.assertEqual(line.count("cannot be reached"), 1, line)


if __name__ == "__main__":
    unittest.main()
