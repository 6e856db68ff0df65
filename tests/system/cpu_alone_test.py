"""The CPU alone is what is launched as the fallback: no device, whatever the devices are doing. 0 layers beside
a device are another config, which holds buffers there."""

import json
import sys

from harness import EXIT_SKIPPED, FAST, LLAMA_PROGRAMS, SCRIPTED_WORKER, SystemTest, TINY, main, run_llama
from plan_truth import in_mib, software_vulkan

FULL = {"id": "GPU0", "type": "gpu", "total_bytes": 8 << 30, "free_bytes": 8 << 20,
        "pci_bus_id": "0000:01:00.0"}
# A logits buffer that a device cannot take by the way.
WIDE = [*TINY, "--vocab", "20000"]


def taken(row):
    """Bytes that llama.cpp allocated on devices."""
    return sum(device[kind] for device in row["devices"] if device["id"] != "CPU"
               for kind in ("model_bytes", "context_bytes", "compute_bytes"))


class CpuAlone(SystemTest):
    def profile_on(self, device, *arguments):
        """A run on the scripted worker with that one device."""
        (self.folder / "script.json").write_text(json.dumps(
            {"devices": [device], "model": {"layers": 22}, "memory": {"beside_bytes": 20_000_000}}))
        done = self.run_sweetspot("profile", "m.gguf", "--json", "-o", "run.json", "--max-seconds", "0.3",
                                  *arguments, env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER),
                                                   "SWEETSPOT_SCRIPT": f"@{self.folder}/script.json"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fallback_of(self, run):
        """The row that proves cpu_fallback."""
        (profile,) = [one for one in run["profiles"] if one["name"] == "cpu_fallback"]
        self.assertIsNotNone(profile["result"], profile["reason"])
        self.assertEqual((profile["vram_bytes"], profile["vram_percent"]), (0, 0))
        row = run["results"][profile["result"]]
        self.assertEqual((row["layers"], row["config"]["devices"], row["status"]), (0, ["none"], "measured"))
        return row

    def test_it_is_measured_on_a_device_that_others_have_filled(self):
        for arguments in ((), ("--layers", "0,5,-1")):
            with self.subTest(arguments=arguments):
                run = self.profile_on(FULL, *arguments)
                row = self.fallback_of(run)
                self.assertEqual(row["vram_percent"], 0)
                self.assertEqual(run["analysis"]["optimum"], run["results"].index(row))

    def test_it_lies_in_the_lowest_band_with_87_percent_in_use(self):
        run = self.profile_on({**FULL, "free_bytes": 1 << 30}, "--layers", "0")
        row = self.fallback_of(run)
        fast = run["profiles"][0]
        self.assertEqual((fast["name"], run["results"].index(row)), ("fast", fast["result"]))
        beside = run["results"][1]
        self.assertEqual((beside["layers"], beside["config"]["devices"]), (0, []))
        self.assertGreater(beside["vram_percent"], 85, "the others' use counts where the device takes part")

    def test_none_as_the_device_measures_nothing_else(self):
        run = self.profile_on(FULL, "--device", "none", "--layers", "0,5,-1")
        for row in run["results"]:  # more than one where something else used the processor meanwhile
            self.assertEqual(row["config"]["devices"], ["none"])


class BesideASoftwareDevice(SystemTest):
    def setUp(self):
        super().setUp()
        self.vulkan, why = software_vulkan()
        if self.vulkan is None:
            self.skipTest(why)
        self.model = self.synth("wide.gguf", *WIDE)

    def run_of(self, *arguments):
        done, run = self.profile(self.model, *arguments, "-o", "run.json", env=self.vulkan)
        self.assertEqual(done.returncode, 0, done.stderr)
        return run

    def test_no_layers_beside_a_device_take_memory_there_and_the_cpu_alone_does_not(self):
        run = self.run_of("--layers", "0")
        alone, beside, *_ = run["results"]
        self.assertEqual(alone["config"]["devices"], ["none"])
        self.assertEqual((taken(alone), alone["vram_used_bytes"]), (0, 0))
        self.assertGreater(taken(beside), 0)
        for row in run["results"]:
            self.assertEqual(row["devices"], row["predicted"], "to the byte")
            self.assertEqual(row["effective"]["n_gpu_layers"], 0)

    def test_a_limit_that_leaves_no_room_refuses_all_but_the_cpu_alone(self):
        run = self.run_of("--vram-limit", "1MiB")
        for row in run["results"]:
            self.assertEqual((row["status"], row["config"]["devices"]), ("measured", ["none"]))
        standing = {point["layers"]: point["standing"] for point in run["sweep"]["curve"]}
        self.assertEqual(standing.pop(0), "measured")
        self.assertEqual(set(standing.values()), {"does-not-fit"})

    def test_llama_cpp_plans_and_launches_the_same(self):
        shown = self.run_sweetspot("plan", self.model, "-c", "256", "--json", "--vram-limit", "1MiB",
                                   env=self.vulkan)
        plan = json.loads(shown.stdout)
        self.assertIsNone(plan["recommended"])
        alone = plan["cpu_alone"]
        self.assertEqual((alone["devices"], alone["fits"], alone["missing_bytes"]), ([], True, 0))
        # llama-fit-params keeps libllama's defaults.
        run = self.run_of("--layers", "0", "-c", "256", "--host-program", "libllama")
        flags = ["-c", "256", "-b", "64", "-ub", "64", "-np", "1", "--fit-print", "on"]
        said = run_llama("llama-fit-params", "-m", self.model, *flags, "--device", "none",
                         env=self.environment(self.vulkan))
        lines = [line.split() for line in said.stdout.splitlines() if line.strip()]
        # Weights and cache; llama-fit-params keeps room for more logits than the server, for which trials are.
        self.assertEqual({device: [int(figure) for figure in figures[:2]] for device, *figures in lines},
                         {device: figures[:2] for device, figures in
                          in_mib(run["results"][0]["predicted"]).items()}, said.stderr)
        exported = self.run_sweetspot("choose", self.model, "--profile", "cpu_fallback", "--format",
                                      "llama-server", env=self.vulkan)
        self.assertIn("--device none", exported.stdout)
        dry = self.run_sweetspot("launch", self.model, "--profile", "cpu_fallback", "--dry-run", "--",
                                 str(LLAMA_PROGRAMS / "llama-server"), env=self.vulkan)
        self.assertIn("--device none", dry.stdout)

    def test_the_plan_of_a_device_without_room_says_what_the_cpu_alone_takes(self):
        shown = self.run_sweetspot("plan", self.model, "-c", "256", "--vram-limit", "1MiB", "--details",
                                   env=self.vulkan)
        self.assertIn("On the CPU alone (--device none) it takes", shown.stdout)
        none = self.run_sweetspot("plan", self.model, "-c", "256", "--device", "none", "--flags", env=self.vulkan)
        self.assertEqual(none.returncode, 0, none.stderr)
        self.assertIn("--n-gpu-layers 0 --device none", none.stdout)


if __name__ == "__main__":
    if not (LLAMA_PROGRAMS / "llama-fit-params").exists():
        print(f"skipped: llama.cpp's programs are not in {LLAMA_PROGRAMS}", file=sys.stderr)
        sys.exit(EXIT_SKIPPED)
    main()
