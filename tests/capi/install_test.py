"""`cmake --install`, the tree moved to another folder, and three programs built from it: C with pkg-config,
C++ with find_package on the shared library, C on the static one. Each asks for a choice."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["SWEETSPOT_BUILD_DIR"]
SOURCE = pathlib.Path(os.environ["SWEETSPOT_SOURCE_DIR"])
CMAKE, CC, CXX = (os.environ[name] for name in ("CMAKE", "CC", "CXX"))
COMPONENT = "libsweetspot"

PROJECT = """cmake_minimum_required(VERSION 3.25)
project(host LANGUAGES C CXX)
find_package(sweetspot 0.1 REQUIRED)
add_executable(cpp_host host.cpp)
target_compile_features(cpp_host PRIVATE cxx_std_20)
target_link_libraries(cpp_host PRIVATE sweetspot::sweetspot)
add_executable(static_host choose.c)
target_link_libraries(static_host PRIVATE sweetspot::sweetspot_static)
set_target_properties(static_host PROPERTIES LINKER_LANGUAGE CXX)
"""

HOST = """#include <cstdio>
#include <sweetspot/sweetspot.hpp>
int main(int, char** argv) {
  const sweetspot::Library library({.data_folder = argv[2]});
  const sweetspot::Set set = library.set_of_model(argv[1]);
  const sweetspot::Choice choice = library.choose(set);
  const auto profile = choice.profile();
  std::printf("%s\\n", profile ? profile->name : "-");
}
"""


class Install(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sweetspot-install-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.run_checked([CMAKE, "--install", BUILD, "--component", COMPONENT,
                          "--prefix", self.folder / "first"])
        self.prefix = self.folder / "moved"
        (self.folder / "first").rename(self.prefix)
        self.model = self.folder / "model.gguf"
        self.model.write_bytes(b"GGUF" + bytes(1000))
        self.environment = dict(os.environ, SWEETSPOT_NVML_LIBRARY="/no/such/library",
                                SWEETSPOT_SYSFS_ROOT=str(self.folder))

    def run_checked(self, command, **more):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              timeout=120, **more)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout

    def check_choice(self, program):
        said = self.run_checked([program, self.model, self.folder / "data"], env=self.environment)
        self.assertIn("cpu_fallback", said)

    def library_folder(self):
        return next(self.prefix.rglob("libsweetspot.so")).parent

    def test_c_with_pkg_config(self):
        pc = next(self.prefix.rglob("sweetspot.pc"))
        flags = self.run_checked(["pkg-config", "--cflags", "--libs", "sweetspot"],
                                 env=dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))).split()
        program = self.folder / "c_host"
        self.run_checked([CC, "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic",
                          SOURCE / "examples/choose.c", "-o", program, *flags,
                          f"-Wl,-rpath,{self.library_folder()}"])
        self.check_choice(program)

    def test_cpp_and_static_with_find_package(self):
        project = self.folder / "project"
        project.mkdir()
        (project / "CMakeLists.txt").write_text(PROJECT)
        (project / "host.cpp").write_text(HOST)
        shutil.copy(SOURCE / "examples/choose.c", project)
        self.run_checked([CMAKE, "-S", project, "-B", project / "build",
                          f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_C_COMPILER={CC}",
                          f"-DCMAKE_CXX_COMPILER={CXX}"])
        self.run_checked([CMAKE, "--build", project / "build"])
        self.check_choice(project / "build/cpp_host")
        self.check_choice(project / "build/static_host")

    def test_nothing_of_the_build_is_in_it(self):
        for path in self.prefix.rglob("*"):
            if path.suffix in {".cmake", ".pc", ".h", ".hpp"}:
                text = path.read_text()
                self.assertNotIn(str(SOURCE), text, path)
                self.assertNotIn(BUILD, text, path)


if __name__ == "__main__":
    unittest.main()
