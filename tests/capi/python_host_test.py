"""The Python package as an assistant uses it: a card that a scripted driver tells of, a stored set, loaders
that fail."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ["SWEETSPOT_SOURCE_DIR"])
sys.path[:0] = [str(SOURCE / "python"), str(SOURCE / "tests/system")]
import profile_sets  # noqa: E402
import sweetspot  # noqa: E402
from harness import GIB, SCRIPTED_WORKER, SystemTest  # noqa: E402
from python_arguments import PYTHON_ARGUMENTS, check_types  # noqa: E402
from sweetspot import GpuManager, LibraryMissing, LoadFailed, SweetspotError, Wanted, _binding  # noqa: E402
from sweetspot._profile import llama_arguments  # noqa: E402

NVML = os.environ["FAKE_NVML_LIBRARY"]
PCI = "0000:01:00.0"
NAMES = ["performance", "balanced", "fast", "cpu_fallback"]
NEEDS = {"performance": 4 * GIB, "balanced": 3 * GIB, "fast": 2 * GIB}
FOREIGN = re.compile("(GGML|CUDA|HIP|ROCR|VK|LLAMA|OMP|NVIDIA)_")  # their change makes a set stale


class Host(SystemTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(os.environ.update, dict(os.environ))
        self.addCleanup(os.environ.clear)
        for name in [name for name in os.environ if FOREIGN.match(name)]:
            del os.environ[name]
        self.calls = self.folder / "calls"
        os.environ.update({"SWEETSPOT_NVML_LIBRARY": NVML, "FAKE_NVML_SCRIPT": str(self.folder / "nvml.json"),
                           "SWEETSPOT_SYSFS_ROOT": str(self.folder / "root")})
        self.model = self.folder / "modèle.gguf"
        self.model.write_bytes(b"GGUF, as far as the key of a model goes")
        self.card_has_free(5 * GIB)
        self.kernel_says("active")
        self.store({})

    def card_has_free(self, free):
        (self.folder / "nvml.json").write_text(json.dumps({
            "driver_version": "550.54", "calls_file": str(self.calls), "gpus": [{
                "pci": "0000" + PCI, "name": "Card", "uuid": "GPU-1", "utilisation": 42, "temperature": 61,
                "power_mw": 35500,
                "memory": {"total": 6 * GIB, "free": free, "used": 6 * GIB - free, "reserved": 0}}]}))

    def kernel_says(self, runtime_status):
        card = self.folder / "root/sys/bus/pci/devices" / PCI
        (card / "power").mkdir(parents=True, exist_ok=True)
        for name, content in (("vendor", "0x10de"), ("class", "0x030000"), ("power/runtime_status", runtime_status)):
            (card / name).write_text(content + "\n")
        (self.folder / "root/proc").mkdir(exist_ok=True)
        (self.folder / "root/proc/meminfo").write_text("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")

    def store(self, config):
        card = profile_sets.device("CUDA0", backend="CUDA", description="Card", pci_bus_id=PCI, uuid="GPU-1",
                                   memory_total_bytes=6 * GIB)
        profiles = [(name, 4 * (3 - place), {"CUDA0": NEEDS[name]} if name in NEEDS else {}, config)
                    for place, name in enumerate(NAMES)]
        return profile_sets.store(self.folder / "data", self.model, [card], profiles)

    def gpus(self):
        manager = GpuManager(self.folder / "data/sweetspot", library=os.environ["SWEETSPOT_LIBRARY"])
        self.addCleanup(manager.close)
        return manager

    def chosen(self, **requirements):
        """In a new process's eyes: nothing is remembered but what is in files."""
        return self.gpus().choose(self.model, Wanted(**requirements))

    # ---- the card

    def test_the_card_and_its_figures(self):
        gpu = self.gpus().detect_gpu()
        self.assertEqual((gpu.name, gpu.pci_bus_id, gpu.driver), ("Card", PCI, "nvml"))
        self.assertEqual((gpu.memory_total_bytes, gpu.memory_free_bytes, gpu.memory_used_bytes),
                         (6 * GIB, 5 * GIB, GIB))
        self.assertEqual((gpu.utilisation_percent, gpu.temperature_c, gpu.power_w), (42, 61, 35.5))
        self.assertFalse(gpu.asleep)
        # The driver tells no power limit: absent, with a reason, and no zero.
        self.assertIsNone(gpu.power_limit_w)
        self.assertIn("support", gpu.absent["power_limit_w"])
        self.assertEqual(self.gpus().get_gpu_status(), [gpu])

    def test_memory_that_is_there_or_not(self):
        gpus = self.gpus()
        self.assertIs(gpus.check_vram_available(5 * GIB), True)
        self.assertIs(gpus.check_vram_available(5 * GIB + 1), False)

    def test_a_sleeping_card_is_listed_and_not_woken(self):
        self.kernel_says("suspended")
        gpus = self.gpus()
        [gpu] = gpus.get_gpu_status()
        self.assertTrue(gpu.asleep)
        self.assertEqual(gpu.pci_bus_id, PCI)
        self.assertIsNone(gpu.memory_free_bytes)
        self.assertIn("memory_free_bytes", gpu.absent)
        self.assertIsNone(gpus.check_vram_available(GIB))
        self.assertIsNotNone(gpus.choose(self.model).profile)
        self.assertFalse(self.calls.exists() and self.calls.read_text(), "NVML was asked")

    def test_no_card_at_all(self):
        os.environ.update(SWEETSPOT_NVML_LIBRARY="/no/such/library", SWEETSPOT_SYSFS_ROOT=str(self.folder / "none"))
        gpus = self.gpus()
        self.assertIsNone(gpus.detect_gpu())
        self.assertEqual(gpus.get_gpu_status(), [])
        self.assertIs(gpus.check_vram_available(1), False)
        loaded, profile = gpus.load_with_fallback(self.model, lambda **arguments: arguments)
        self.assertEqual((profile.name, profile.cpu_only, loaded["n_gpu_layers"]), ("cpu_fallback", True, 0))

    # ---- the profile

    def test_the_profile_that_fits_what_is_free(self):
        for free, name in ((5, "performance"), (3.5, "balanced"), (2.5, "fast"), (1, "cpu_fallback")):
            self.card_has_free(int(free * GIB))
            chosen = self.chosen(max_vram_percent=100)
            self.assertEqual(chosen.profile.name, name, chosen.reason)
            self.assertEqual([rung.name for rung in chosen.below], NAMES[NAMES.index(name) + 1:])

    def test_requirements(self):
        self.assertEqual(self.chosen(reserve_bytes=2 * GIB).profile.name, "fast")
        self.assertEqual(self.chosen(prefer_memory=True).profile.name, "fast")
        self.assertEqual(self.chosen(profile="fast").profile.name, "fast")
        none = self.chosen(min_ctx=1 << 20)
        self.assertEqual((none.profile, none.below), (None, ()))
        self.assertTrue(none.reason)
        with self.assertRaises(LoadFailed):
            self.gpus().load_with_fallback(self.model, self.fail, Wanted(min_ctx=1 << 20))

    def test_what_is_known_of_it(self):
        profile = self.chosen().profile
        self.assertEqual(profile.needs, {"CUDA0": 4 * GIB})
        self.assertEqual((profile.tokens_per_second, profile.origin), (32.5, "measured"))

    def test_arguments_are_those_of_the_export(self):
        config = {"n_threads": 1, "n_threads_batch": 2, "type_k": "q8_0", "type_v": "bf16", "flash_attn": "on",
                  "kv_offload": False, "swa_full": True, "tensor_split": [1.0], "load_mode": "mlock", "main_gpu": 0,
                  "split_mode": "row"}
        worker = {"devices": [{"id": "CUDA0", "type": "gpu", "total_bytes": 6 * GIB, "free_bytes": 5 * GIB,
                               "pci_bus_id": PCI}]}
        for each in ({}, config, {"load_mode": "dio", "flash_attn": "off", "split_mode": "none"}):
            self.store(each)
            arguments = self.chosen().profile.arguments
            arguments["model_path"] = str(self.model)
            check_types(self, arguments, PYTHON_ARGUMENTS)
            exported = self.run_sweetspot("choose", self.model, "--format", "llama-cpp-python",
                                          env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER),
                                               "SWEETSPOT_SCRIPT": json.dumps(worker)})
            self.assertEqual(exported.returncode, 0, exported.stderr)
            self.assertEqual(arguments, json.loads(exported.stdout))

    def test_absent_arguments(self):
        self.assertNotIn("n_threads", llama_arguments(_binding.Profile(load_mode=b"auto", type_k=b"f16", type_v=b"f16")))
        self.store({"n_parallel": 2, "kv_unified": True, "load_mode": "dio"})
        profile = self.chosen().profile
        self.assertEqual(len(profile.notes), 3)
        self.assertNotIn("use_mmap", profile.arguments)

    def test_what_llama_cpp_python_cannot_place_is_not_loaded(self):
        self.store({"n_cpu_moe": 2})
        with_gpu = []
        loaded, profile = self.gpus().load_with_fallback(self.model, lambda **arguments: with_gpu.append(arguments))
        self.assertTrue(profile.cpu_only)
        self.assertEqual([arguments["n_gpu_layers"] for arguments in with_gpu], [0])
        self.assertIn("cannot keep", self.chosen().profile.refused)

    # ---- loading

    def load_with_failures(self, count, failure):
        """The layers of each load that was tried, and the name of what loaded."""
        tried = []

        def loader(**arguments):
            check_types(self, arguments, PYTHON_ARGUMENTS)
            self.assertEqual(arguments["model_path"], str(self.model))
            tried.append(arguments["n_gpu_layers"])
            if len(tried) <= count:
                raise failure
            return "a model"

        loaded, profile = self.gpus().load_with_fallback(self.model, loader)
        self.assertEqual(loaded, "a model")
        return tried, profile.name

    def test_each_failure_is_one_rung_down(self):
        layers = [12, 8, 4, 0]
        for count in range(len(NAMES)):
            for failure in (MemoryError(), ValueError("Failed to load model from file"), OSError("no"),
                            RuntimeError("CUDA error: out of memory")):
                self.store({})
                self.assertEqual(self.load_with_failures(count, failure), (layers[:count + 1], NAMES[count]))

    def test_all_of_them_fail(self):
        with self.assertRaises(LoadFailed) as failed:
            self.load_with_failures(len(NAMES), ValueError("not today"))
        self.assertEqual(failed.exception.attempts, [(name, "not today") for name in NAMES])

    def test_what_is_no_failed_load_is_not_swallowed(self):
        with self.assertRaises(KeyError):
            self.load_with_failures(1, KeyError("a fault of the host"))
        self.assertEqual(self.reports(), [])

    def reports(self):
        [path] = (self.folder / "data/sweetspot/profiles").glob("*.json")
        return [(report["profile"], report["result"]) for report in json.loads(path.read_text())["reports"]]

    def test_reports_change_the_next_choice(self):
        self.load_with_failures(1, MemoryError())
        self.assertEqual(self.reports(), [("performance", "out-of-memory"), ("balanced", "loaded")])
        self.assertEqual(self.chosen().profile.name, "balanced")
        self.store({})
        # One crash may be an accident; a second one is not.
        self.load_with_failures(1, ValueError("Failed to load model from file"))
        self.assertEqual(self.reports()[0], ("performance", "crashed"))
        self.assertEqual(self.chosen().profile.name, "performance")
        self.load_with_failures(1, ValueError("Failed to load model from file"))
        self.assertEqual(self.chosen().profile.name, "balanced")

    def test_a_model_that_is_not_there(self):
        with self.assertRaisesRegex(SweetspotError, "no-such.gguf"):
            self.gpus().load_with_fallback(self.folder / "no-such.gguf", self.fail)

    # ---- the package

    def python(self, *arguments, **environment):
        return subprocess.run([sys.executable, "-B", *arguments], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "PYTHONPATH": str(SOURCE / "python"), **environment})

    def test_one_question(self):
        choice = sweetspot.choose(self.model, min_ctx=256, data_folder=self.folder / "data/sweetspot")
        self.assertEqual(choice.profile.name, "performance")
        self.assertEqual(choice.kwargs(), {"model_path": str(self.model), **choice.profile.arguments})
        nothing = sweetspot.choose(self.model, min_ctx=1 << 20, data_folder=self.folder / "data/sweetspot")
        with self.assertRaisesRegex(SweetspotError, re.escape(nothing.reason)):
            nothing.kwargs()

    def test_without_the_library_a_sentence_says_what_to_do(self):
        for place in ("/no/such/libsweetspot.so", str(self.model), "libm.so.6"):
            with self.assertRaises(LibraryMissing) as missing:
                GpuManager(library=place)
            self.assertIn(place, str(missing.exception))
        done = self.python("-m", "sweetspot", "model.gguf", SWEETSPOT_LIBRARY="/no/such/libsweetspot.so")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        for word in ("/no/such/libsweetspot.so", "SWEETSPOT_LIBRARY", "scripts/build-wheel.sh"):
            self.assertIn(word, done.stderr)

    def test_the_snippets_of_its_page_run(self):
        """With a llama_cpp that says what it was given."""
        self.store({"n_ctx": 4096})
        (self.folder / "llama_cpp.py").write_text("def Llama(**arguments):\n    print(sorted(arguments))\n")
        (self.folder / "model.gguf").hardlink_to(self.model)
        page = (SOURCE / "python/README.md").read_text()
        snippets = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
        self.assertEqual(len(snippets), 2)
        done = subprocess.run([sys.executable, "-B", "-c", "\n".join(snippets)], capture_output=True, text=True,
                              timeout=60, cwd=self.folder,
                              env={**os.environ, "PYTHONPATH": f"{SOURCE / 'python'}:{self.folder}",
                                   "XDG_DATA_HOME": str(self.folder / "data")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("'model_path'"), 2, done.stdout)

    # ---- the program, and the layouts

    def test_as_a_program(self):
        done = self.python("-m", "sweetspot", self.model, self.folder / "data/sweetspot")
        self.assertEqual(done.returncode, 0, done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["profile"]["name"], "performance")
        self.assertEqual(said["gpus"][0]["name"], "Card")

    def test_structs_are_those_of_the_header(self):
        structs = [struct for struct in vars(_binding).values()
                   if isinstance(struct, type) and hasattr(struct, "_fields_")]
        self.assertGreater(len(structs), 10)
        lines, ours = [], []
        for struct in structs:
            name = "sweetspot_" + re.sub(r"(?<!^)([A-Z])", r"_\1", struct.__name__).lower()
            lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
            ours.append(f"{name} {_binding.ctypes.sizeof(struct)}")
            for field, *_ in struct._fields_:
                lines.append(f'printf("{name}.{field} %zu\\n", offsetof({name}, {field}));')
                ours.append(f"{name}.{field} {getattr(struct, field).offset}")
        program = self.folder / "layouts"
        subprocess.run([os.environ["CC"], "-x", "c", "-std=c99", f"-I{SOURCE / 'include'}", "-o", program, "-"],
                       input="#include <stdio.h>\n#include <sweetspot/sweetspot.h>\nint main(void) {\n"
                             + "\n".join(lines) + "\nreturn 0;\n}\n", text=True, check=True, timeout=60)
        theirs = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60).stdout
        self.assertEqual(theirs.splitlines(), ours)


if __name__ == "__main__":
    unittest.main()
