"""scripts/setup-llama.sh with an apt-get that hands out small packages: what it asks for, what becomes of the
prefix, and what is said. dpkg and dpkg-deb are the real ones."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from fake_root import SCRIPTS, FakeRoot

BASE = ["libllama-dev", "llama.cpp-tools", "llama.cpp-tools-extra", "libggml0-backend-rpc"]
BACKENDS = ["libggml0-backend-vulkan", "libggml0-backend-cuda", "libggml0-backend-hip", "mesa-vulkan-drivers"]

# Hands out what it is asked for, without what that depends on. $FAKE/log has one line per call: the action,
# the components of the archive, the packages.
APT_GET = r"""#!/usr/bin/env bash
simulate= action= packages=()
while [[ $# -gt 0 ]]; do
  case $1 in
    -c) conf=$2 && shift ;;
    -s) simulate=yes ;;
    --print-uris) action=print-uris ;;
    --format) shift ;;
    -*) ;;
    update | install | indextargets) action=${action:-$1} ;;
    *) packages+=("$1") ;;
  esac
  shift
done
if [[ $action == indextargets ]]; then
  [[ -e $FAKE/no-archive ]] || echo 'http://archive.example/debian|main|Debian|/nowhere.sources:1'
  exit
fi
[[ -n ${conf:-} ]] || exit 0
etc=$(sed -n 's/^Dir::Etc::sourceparts "\(.*\)";/\1/p' "$conf")
archives=$(sed -n 's/^Dir::Cache::archives "\(.*\)";/\1/p' "$conf")
status=$(sed -n 's/^Dir::State::status "\(.*\)";/\1/p' "$conf")
echo "${simulate:+simulate-}$action [$(sed -n 's/^Components: //p' "$etc/unstable.sources")] ${packages[*]}" >>"$FAKE/log"
cp "$status" "$FAKE/status"
if [[ -n $simulate ]]; then
  [[ ! -e $FAKE/moved-on ]] || echo 'Inst libggml0 [0.1] (0.2 Debian:unstable [amd64])'
  exit 0
fi
[[ $action != print-uris ]] || { for p in "${packages[@]}"; do echo "'http://x/$p' $p.deb 2500000 MD5"; done; exit; }
[[ ! -e $FAKE/$action-fails ]] || { echo "E: the archive is not there"; exit 100; }
[[ $action != install ]] || for p in "${packages[@]}"; do cp "$FAKE/debs/$p.deb" "$archives/"; done
"""


def make_deb(folder, name, files):
    tree = folder / name
    (tree / "DEBIAN").mkdir(parents=True)
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: 0.1\nArchitecture: {architecture.strip()}\nMaintainer: none <none@localhost>\nDescription: none\n")
    for path, text in files.items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, folder / f"{name}.deb"], check=True, capture_output=True)


class SetupLlama(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.debs = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.debs)
        library = "usr/lib/x86_64-linux-gnu"
        for name in BASE + BACKENDS:
            files = {}
            if name == "libllama-dev":
                # A loader that starts nothing and is content: llama-bench "runs".
                files = {"usr/lib64/ld-linux-x86-64.so.2": "#!/bin/sh\nexit 0\n", "usr/bin/llama-bench": "",
                         f"{library}/libllama.so.0": ""}
            elif "backend" in name:
                files = {f"{library}/ggml/backends0/libggml-{name.rsplit('-', 1)[1]}.so": ""}
            make_deb(cls.debs, name, files)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.root = FakeRoot(self.folder / "root").pci()
        self.prefix = self.folder / "deps/llama"
        (self.folder / "debs").symlink_to(self.debs)
        self.program("apt-get", APT_GET)
        self.environment = {name: value for name, value in os.environ.items()
                            if name not in ("GPU", "CMAKE_PREFIX_PATH", "SWEETSPOT_DEBIAN_MIRROR")}
        self.environment |= {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "FAKE": str(self.folder),
                             "SWEETSPOT_DEPS_DIR": str(self.folder / "deps"), "SWEETSPOT_SYSFS_ROOT": str(self.root.folder)}

    def program(self, name, text):
        file = self.folder / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def setup_llama(self, *arguments, status=0, private=("--private",), **environment):
        """What it says, by lines; self.calls is then what it asked of apt-get."""
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        run = subprocess.run([SCRIPTS / "setup-llama.sh", *private, *arguments], capture_output=True, text=True, check=False,
                             env=self.environment | environment)
        self.assertEqual((run.returncode, run.stdout), (status, ""), run.stderr)
        self.calls = log.read_text().splitlines() if log.exists() else []
        self.assertEqual(list((self.folder / "deps").glob("llama.partial.*")), [])
        return run.stderr.splitlines()

    def packages(self):
        return sorted(line.split()[0] for line in (self.prefix / "packages.txt").read_text().splitlines())

    def contents(self):
        return {str(path.relative_to(self.prefix)): os.readlink(path) if path.is_symlink() else path.read_bytes()
                for path in self.prefix.rglob("*") if not path.is_dir() or path.is_symlink()}

    def installs(self):
        return [call for call in self.calls if call.startswith("install ")]

    def test_without_a_card_as_ever(self):
        said = self.setup_llama()
        self.assertEqual(self.packages(), sorted(BASE))
        self.assertEqual(self.installs(), [f"install [main] {' '.join(BASE)}"])
        self.assertEqual(len(said), 2, said)
        self.assertTrue(said[1].startswith("downloading 10 MB: "), said)
        self.assertEqual(self.setup_llama(), [])
        self.assertEqual(self.calls, [])

    def test_auto_takes_vulkan_and_says_what_would_be_faster(self):
        self.root.nvidia()
        said = self.setup_llama()
        self.assertEqual(self.packages(), sorted(BASE + ["libggml0-backend-vulkan"]))
        self.assertEqual(self.installs()[0].split()[1], "[main]")
        self.assertEqual(said[-2], "NVIDIA card at 0000:01:00.0: Vulkan is used")
        self.assertIn("GPU=cuda make demo", said[-1])
        self.assertEqual(self.setup_llama(), said[-2:])
        self.assertEqual(self.calls, [])

    def test_a_backend_is_added_to_what_is_there(self):
        self.setup_llama()
        before = self.contents()
        self.setup_llama(GPU="vulkan")
        self.assertEqual(self.installs(), ["install [main] libggml0-backend-vulkan"])
        self.assertEqual(self.packages(), sorted(BASE + ["libggml0-backend-vulkan"]))
        after = self.contents()
        self.assertEqual({path for path in before if after.get(path) != before[path]}, {"packages.txt", "dpkg-status"})
        self.assertIn("usr/lib64/libggml-vulkan.so", after)
        self.setup_llama("--add-vulkan")
        self.assertEqual(self.installs(), ["install [main] mesa-vulkan-drivers"])

    def test_cuda_is_from_contrib_and_non_free_and_its_driver_the_hosts(self):
        self.root.nvidia()
        said = self.setup_llama("--gpu", "cuda")
        self.assertEqual({call[call.index("["):call.index("]")] for call in self.calls}, {"[main contrib non-free"})
        self.assertIn("Provides: libcuda1 (= 999), libcuda.so.1 (= 999)", (self.folder / "status").read_text())
        self.assertEqual(said[-1], "NVIDIA card at 0000:01:00.0: CUDA is used")
        self.assertEqual(self.setup_llama(), said[-1:])
        self.assertEqual(self.calls, [], "without GPU= it keeps CUDA")
        self.assertEqual(self.setup_llama(GPU="none"), said[-1:])

    def test_the_driver_is_looked_at_before_anything_is_loaded(self):
        self.root.nvidia("535.183.01", "9.0")
        said = self.setup_llama(GPU="cuda")
        self.assertEqual(self.packages(), sorted(BASE + ["libggml0-backend-vulkan"]))
        self.assertEqual(said[-1], "NVIDIA card at 0000:01:00.0: driver 535 is older than this CUDA backend takes (550): Vulkan is used")

    def test_cuda_without_a_card_is_for_another_machine(self):
        said = self.setup_llama(GPU="cuda")
        self.assertIn("No NVIDIA card is seen here: CUDA is taken as asked for", said[0])
        self.assertIn("libggml0-backend-cuda", self.packages())

    def test_a_failed_download_leaves_the_prefix_as_it_was(self):
        self.setup_llama()
        before = self.contents()
        for step in ("update", "install"):
            (self.folder / f"{step}-fails").touch()
            said = self.setup_llama(GPU="cuda", status=1)
            self.assertIn("E: the archive is not there", said)
            self.assertTrue(said[-1].startswith("What to do: check the network"), said)
            self.assertEqual(self.contents(), before)
            (self.folder / f"{step}-fails").unlink()

    def test_a_prefix_that_does_not_start_does_not_replace_one_that_does(self):
        self.setup_llama()
        before = self.contents()
        (self.folder / "debs").unlink()
        shutil.copytree(self.debs, self.folder / "debs")
        shutil.rmtree(self.folder / "debs/libggml0-backend-cuda")
        make_deb(self.folder / "debs", "libggml0-backend-cuda", {
            "usr/lib64/ld-linux-x86-64.so.2": "#!/bin/sh\necho it is broken\nexit 1\n", "usr/bin/llama-bench": "other"})
        said = self.setup_llama(GPU="cuda", status=1)
        self.assertIn("it is broken", said)
        self.assertEqual(self.contents(), before)

    def test_offline_auto_goes_on_with_what_is_there(self):
        self.setup_llama()
        before = self.contents()
        self.root.amd()
        (self.folder / "update-fails").touch()
        said = self.setup_llama()
        self.assertIn("Going on with the llama.cpp that is there, without libggml0-backend-vulkan; "
                      "the next run tries again (GPU=none does not).", said)
        self.assertEqual(said[-1], "AMD card at 0000:03:00.0: this llama.cpp has no backend for it")
        self.assertEqual(self.contents(), before)
        self.setup_llama("--add-vulkan", status=1)

    def test_an_archive_that_has_moved_on(self):
        self.setup_llama("--gpu", "cuda")
        (self.folder / "moved-on").touch()
        said = self.setup_llama("--gpu=vulkan")
        self.assertIn("is older than what is to be added, so all of it is assembled anew", said[0])
        self.assertEqual(self.packages(), sorted(BASE + ["libggml0-backend-cuda", "libggml0-backend-vulkan"]))
        self.assertEqual(self.installs()[0].split("] ")[1].split(), BASE + ["libggml0-backend-vulkan", "libggml0-backend-cuda"])

    def test_a_prefix_of_before_this_knew_of_adding(self):
        self.setup_llama()
        (self.prefix / "dpkg-status").unlink()
        self.setup_llama("--gpu=vulkan")
        self.assertEqual(self.packages(), sorted(BASE + ["libggml0-backend-vulkan"]))

    def test_no_debian_archive(self):
        (self.folder / "no-archive").touch()
        # On another system than Debian, that is: there apt's list of what it would fetch has to do.
        self.program("grep", "#!/bin/sh\n[ \"$*\" != '-qx ID=debian /etc/os-release' ] && exec /usr/bin/grep \"$@\"\nexit 1\n")
        said = self.setup_llama(status=1)
        self.assertIn("SWEETSPOT_DEBIAN_MIRROR", said[-1])

    def test_a_c_library_that_is_newer_than_the_prefixs(self):
        self.setup_llama()
        self.root.intel()
        self.setup_llama()
        with (self.prefix / "packages.txt").open("a") as stamp:
            stamp.write("libc6 2.43-7\n")
        for version, newer in (("2.44", True), ("2.100", True), ("2.43", False), ("2.9", False)):
            self.program("getconf", f"#!/bin/sh\necho glibc {version}\n")
            said = "\n".join(self.setup_llama())
            self.assertEqual(f"This system's C library ({version}) is newer" in said, newer, said)

    @unittest.skipUnless(shutil.which("cmake") and shutil.which("ninja"), "whether one is installed is asked of CMake")
    def test_an_installed_llama_is_used_as_it_is(self):
        self.root.nvidia()
        config = self.folder / "own/lib/cmake/llama/llama-config.cmake"
        config.parent.mkdir(parents=True)
        config.touch()
        own = {"private": (), "CMAKE_PREFIX_PATH": str(self.folder / "own")}
        self.assertEqual(self.setup_llama(**own), [])
        self.assertIn("An installed llama.cpp is used as it is, so GPU=cuda adds nothing to it", self.setup_llama(GPU="cuda", **own)[0])
        self.assertFalse(self.prefix.exists())
        self.setup_llama()
        self.assertEqual(self.setup_llama(**own), [], "nothing is said of a private one that is not used")
        self.assertEqual(self.setup_llama(private=(), GPU="cuda", CMAKE_PREFIX_PATH=str(self.prefix / "usr"))[-1],
                         "NVIDIA card at 0000:01:00.0: CUDA is used")

    def test_wishes_that_are_none(self):
        self.assertIn("'0' is none", self.setup_llama(GPU="0", status=1)[0])
        self.assertIn("no option '--cuda'", self.setup_llama("--cuda", status=1)[0])
        self.assertIn("'' is none", self.setup_llama("--gpu", status=1)[0])


if __name__ == "__main__":
    unittest.main()
