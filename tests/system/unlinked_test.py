"""`sweetspot` without its own worker, as `LINKED_WORKER=OFF make` builds it: the same program, in a folder where it and
sweetspot-adapter are alone, with the real llama-server."""

import json
import shutil
import subprocess

from harness import BIN, EXIT_DEVICE, EXIT_NOTHING, FAST, LLAMA_PROGRAMS, NO_DEVICES, SystemTest, main

SERVER = LLAMA_PROGRAMS / "llama-server"


class Unlinked(SystemTest):
    def setUp(self):
        super().setUp()
        if not SERVER.exists():
            self.skipTest("there is no llama-server beside the llama.cpp that was built against")
        for name in ("sweetspot", "sweetspot-adapter"):
            shutil.copy(BIN / name, self.folder / name)

    def ran(self, *arguments, may_end_with=(0,), env=None):
        done = subprocess.run([self.folder / "sweetspot", *map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, timeout=180, stdin=subprocess.DEVNULL,
                              env=self.environment({**NO_DEVICES, **(env or {})}))
        self.assertIn(done.returncode, may_end_with, done.stdout + done.stderr)
        return done

    def refused(self, *arguments, words):
        self.assert_clear_sentence(self.ran(*arguments, may_end_with=(EXIT_DEVICE,)), EXIT_DEVICE, *words)

    def test_a_model_is_planned_measured_chosen_and_launched(self):
        model = self.synth()
        engine = ["--engine", SERVER]
        self.assertIn("CPU", self.ran("devices", *engine).stdout)
        planned = self.ran("plan", model, "-c", "256", *engine)
        self.assertIn(f"{SERVER} --model {model}", planned.stdout)
        self.assertIn("planned for the processor alone", planned.stdout.lower())
        alone = self.ran("plan", model, "-c", "256", "--device", "none", "--flags", *engine)
        self.assertIn("--n-gpu-layers 0 --device none", alone.stdout)
        self.assertIn("planned, not measured", self.ran("choose", model, *engine).stdout)
        self.needs_llama_cpp(model)
        done = self.ran("profile", model, *FAST, "--json", *engine, may_end_with=(0, EXIT_NOTHING))
        self.assertEqual([trial["error"] for trial in json.loads(done.stdout)["results"] if trial["error"]], [])
        dry = self.ran("launch", model, "--dry-run", *engine)
        self.assertTrue(dry.stdout.startswith(f"{SERVER} --model {model} "), dry.stdout)

    def test_a_llama_server_that_is_found_is_taken(self):
        path = {"PATH": f"{LLAMA_PROGRAMS}:/usr/bin:/bin", "HOME": str(self.folder)}
        self.assertIn("CPU", self.ran("devices", env=path).stdout)
        shown = json.loads(self.ran("engine", "show", "--json", env=path).stdout)
        self.assertEqual(shown["engine"], str(SERVER))

    def test_what_needs_its_own_worker_says_so(self):
        model = self.synth()
        self.refused("devices", words=["no llama.cpp to work with", "--engine"])
        self.refused("profile", model, words=["no llama.cpp to work with", "--engine"])
        self.refused("synth", "x.gguf", words=["own worker is not here", "LINKED_WORKER=OFF"])
        self.refused("serve", words=["own worker is not here"])
        self.refused("plan", model, "--vram-limit", "6GiB", "--engine", SERVER, words=["own worker", "--rpc"])
        # A command line hides what lies beside its program: nobody says what a configuration takes.
        self.refused("plan", model, "--device", "none", "--engine", f"env A=1 {SERVER}",
                     words=["llama-fit-params", "sweetspot profile"])


if __name__ == "__main__":
    main()
