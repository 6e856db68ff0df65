"""scripts/build-wheel.sh, and the wheel unpacked into a folder of its own: it has all that it needs."""

import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

SOURCE = pathlib.Path(os.environ["SWEETSPOT_SOURCE_DIR"])


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="sweetspot-wheel-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        subprocess.run([SOURCE / "scripts/build-wheel.sh", "--no-build", cls.folder / "made"], check=True, timeout=120,
                       capture_output=True, text=True)
        [cls.wheel] = (cls.folder / "made").iterdir()  # and nothing of its making is left
        with zipfile.ZipFile(cls.wheel) as archive:
            archive.extractall(cls.folder / "site")
        cls.site = cls.folder / "site"

    def test_its_name_says_where_it_runs(self):
        self.assertRegex(self.wheel.name, r"^sweetspot-\d+\.\d+\.\d+-py3-none-linux_\w+\.whl$")
        [found] = importlib.metadata.distributions(path=[str(self.site)])
        self.assertEqual(found.metadata["Name"], "sweetspot")
        self.assertIn(found.version, self.wheel.name)
        self.assertIn("llama-cpp-python", found.metadata.get_payload())

    def test_it_has_the_library_its_licences_and_no_path_of_the_build(self):
        package = self.site / "sweetspot"
        names = {path.name for path in package.iterdir()}
        self.assertLessEqual({"__init__.py", "py.typed", "libsweetspot.so.0", "licenses"}, names)
        for path in package.rglob("*"):
            if path.is_file():
                self.assertNotIn(os.fsencode(SOURCE), path.read_bytes(), path)

    def test_it_chooses_without_anything_installed(self):
        model = self.folder / "model.gguf"
        model.write_bytes(b"GGUF" + bytes(1000))
        environment = {"PYTHONPATH": str(self.site), "SWEETSPOT_NVML_LIBRARY": "/no/such/library",
                       "SWEETSPOT_SYSFS_ROOT": str(self.folder), "XDG_DATA_HOME": str(self.folder / "data")}
        program = ("import sweetspot, sys; choice = sweetspot.choose(sys.argv[1]); print(choice.profile.name, "
                   "choice.kwargs()['n_gpu_layers'], *{line.split()[-1] for line in open('/proc/self/maps') "
                   "if 'libsweetspot' in line or 'libfmt' in line}, sep='\\n')")
        done = subprocess.run([sys.executable, "-B", "-c", program, model], capture_output=True, text=True, timeout=60,
                              env=environment, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        name, layers, *loaded = done.stdout.splitlines()
        self.assertEqual((name, layers), ("cpu_fallback", "0"))
        for path in loaded:
            self.assertEqual(pathlib.Path(path).parent, self.site / "sweetspot")


if __name__ == "__main__":
    unittest.main()
