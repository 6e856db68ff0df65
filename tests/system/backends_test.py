"""A backend that is there and cannot be loaded is named with what it misses: mostly the driver's own library."""

import os
import pathlib
import shutil
import subprocess
import unittest

from harness import BIN, SystemTest, main


class Backends(SystemTest):
    def folder_with(self, *own):
        """The backends that are there, and one of ours that needs a library which nobody has."""
        here = BIN / "llama" / "backends"
        if not here.is_dir():
            raise unittest.SkipTest("llama.cpp is not a private one: ggml itself looks for its backends")
        folder = pathlib.Path(self.folder) / "backends"
        folder.mkdir()
        for backend in here.resolve().glob("libggml-*.so"):
            os.symlink(backend.resolve(), folder / backend.name)
        for name in own:
            self.make_backend(folder / name)
        return folder

    def make_backend(self, path):
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
        work = pathlib.Path(self.folder)
        (work / "driver.c").write_text("int driver_call(void) { return 0; }\n")
        (work / "backend.c").write_text(
            "int driver_call(void);\nvoid *ggml_backend_init(void) { driver_call(); return 0; }\n")
        driver = work / "libdriver-of-nobody.so.1"
        subprocess.run([compiler, "-shared", "-fPIC", f"-Wl,-soname,{driver.name}", "-o", driver, work / "driver.c"],
                       check=True)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", path, work / "backend.c", driver], check=True)
        driver.unlink()

    def test_says_what_the_loader_misses(self):
        env = {"SWEETSPOT_GGML_BACKENDS_DIR": str(self.folder_with("libggml-cuda.so"))}
        done = self.run_sweetspot("devices", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = " ".join(done.stdout.split())
        self.assertIn("backend libggml-cuda.so cannot be loaded", text)
        self.assertIn("libdriver-of-nobody.so.1", text)
        self.assertIn("CPU", text)

    def test_says_nothing_where_all_load(self):
        env = {"SWEETSPOT_GGML_BACKENDS_DIR": str(self.folder_with())}
        done = self.run_sweetspot("devices", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("cannot be loaded", done.stdout)


if __name__ == "__main__":
    main()
