"""The map of every knob equals what a real load allocates on an RPC device; and `sweetspot plan` says the
same of a part of a file as of the whole."""

import json
import unittest

from harness import SystemTest
from plan_truth import NO_DEVICES, SLICE_BLOCKS, compare, differences, make_slice, placements_tested

GRID = ("--contexts", "512,4096", "--cache-types", "f16,q8_0", "-fa", "on")


class PlanTruthRpc(SystemTest):
    def test_every_knob_and_every_fixture(self):
        environment = self.environment(NO_DEVICES)
        with self.rpc_server() as address:
            for name in SLICE_BLOCKS:
                model = make_slice(name, self.folder, environment)
                for answer in compare(model, placements_tested(model, "RPC0"), environment, [address]):
                    with self.subTest(model=name, config=answer.config):
                        self.assertEqual(differences([answer]), [])
                model.path.unlink()

    def plan(self, path, *arguments):
        done = self.run_sweetspot("plan", path, "--json", *GRID, *arguments, env=NO_DEVICES)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_first_bytes_of_a_file_are_enough(self):
        whole = self.synth("whole.gguf", "--blocks", 4, "--embd", 256, "--ff", 512, "--heads", 4,
                           "--kv-heads", 2, "--vocab", 512)
        header = self.synth("header.gguf", "--like", whole, "--header-only")
        partial = self.folder / "partial.gguf"
        with self.rpc_server() as address:
            of_whole = self.plan(whole, "--rpc", address)["configs"]
            self.assertGreater(len(of_whole), 4 * 2)
            for length in (header.stat().st_size, header.stat().st_size + 4096, whole.stat().st_size - 1):
                with self.subTest(length=length):
                    partial.write_bytes(whole.read_bytes()[:length])
                    self.assertEqual(self.plan(partial, "--rpc", address)["configs"], of_whole)


if __name__ == "__main__":
    unittest.main()
