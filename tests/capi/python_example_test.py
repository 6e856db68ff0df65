"""examples/llama_cpp_python.py with a fake driver and a loader that is passed in: it steps down when the
loader raises, and the next choice knows of it."""

import importlib.util
import json
import os
import pathlib
import shutil
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SWEETSPOT_SOURCE_DIR"])
GIB = 1 << 30


def example():
    spec = importlib.util.spec_from_file_location("host", SOURCE / "examples/llama_cpp_python.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class PythonHost(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sweetspot-python-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        card = {"pci": "00000000:01:00.0", "name": "Test GPU", "uuid": "GPU-1", "utilisation": 7,
                "temperature": 50, "memory": {"total": 24 * GIB, "free": 20 * GIB, "used": 4 * GIB,
                                              "reserved": 0}}
        script = self.folder / "nvml.json"
        script.write_text(json.dumps({"driver_version": "550.54", "gpus": [card]}))
        os.environ.update(SWEETSPOT_NVML_LIBRARY=os.environ["FAKE_NVML_LIBRARY"],
                          FAKE_NVML_SCRIPT=str(script), SWEETSPOT_SYSFS_ROOT=str(self.folder))
        self.model = self.folder / "model.gguf"
        self.model.write_bytes(b"GGUF" + bytes(1000))
        self.host = example().Sweetspot(data_folder=str(self.folder / "data"))
        self.addCleanup(self.host.close)

    def test_status_has_figures_and_none_for_what_is_not_there(self):
        card = self.host.get_gpu_status()[0]
        self.assertEqual((card["name"], card["memory_free_bytes"]), ("Test GPU", 20 * GIB))
        self.assertEqual((card["utilisation_percent"], card["temperature_c"]), (7, 50))
        self.assertIsNone(card["power_w"])
        self.assertEqual(self.host.detect_gpu()[0]["driver_version"], "550.54")

    def test_the_profile_comes_as_keyword_arguments(self):
        found = self.host.detect_optimal_profile(str(self.model))
        self.assertEqual(found["profile"], "performance")
        self.assertEqual(found["arguments"]["n_gpu_layers"], 40)
        self.assertEqual(found["arguments"]["n_ctx"], 4096)
        self.assertIsNone(found["tokens_per_second"])
        self.assertTrue(self.host.check_vram_available(str(self.model), "balanced")[0])

    def test_it_steps_down_and_remembers(self):
        tried = []

        def load(model_path, n_gpu_layers, **_):
            tried.append(n_gpu_layers)
            if n_gpu_layers > 20:
                raise ValueError("Failed to create llama_context")
            return model_path, n_gpu_layers

        self.assertEqual(self.host.load_with_fallback(str(self.model), load), (str(self.model), 20))
        self.assertEqual(tried, [40, 30, 20])
        # 40 and 30 layers need more than was free; so does everything that needs as much.
        found = self.host.detect_optimal_profile(str(self.model))
        self.assertEqual(found["profile"], "fast")

    def test_when_even_the_cpu_fails_it_says_so(self):
        def load(**_):
            raise ValueError("no")

        with self.assertRaisesRegex(RuntimeError, "nothing could be loaded"):
            self.host.load_with_fallback(str(self.model), load)

    def test_what_llama_cpp_python_cannot_be_told_is_passed_over(self):
        module = example()
        self.assertTrue(module.can_be_said(module.Profile()))
        self.assertFalse(module.can_be_said(module.Profile(all_override_tensor_count=1)))

    def test_errors_are_sentences(self):
        with self.assertRaisesRegex(RuntimeError, "/no/such"):
            self.host.detect_optimal_profile("/no/such.gguf")


if __name__ == "__main__":
    unittest.main()
