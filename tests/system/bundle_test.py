"""The bundle, packed quickly and unpacked into a folder whose name has a space, used where the build tree and the
private llama.cpp cannot be seen."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from harness import BIN, EXIT_INTERNAL, EXIT_SKIPPED, FAST, NO_DEVICES, SOURCE, SystemTest, TINY, free_port, main
from launch_test import Launched, ask

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
# An empty file system over each folder before "--", then the program after it.
HIDE = 'while [ "$1" != -- ]; do mount -t tmpfs none "$1" || exit 99; shift; done; shift; exec "$@"'


def hidden_folders():
    """The source tree and, where a link led out of it, the private llama.cpp."""
    llama = (BIN / "llama/bin").resolve().parent
    return [SOURCE] if llama.is_relative_to(SOURCE) else [SOURCE, llama]


def hiding(*command):
    return [*UNSHARE, "sh", "-c", HIDE, "sh", *map(str, hidden_folders()), "--", *map(str, command)]


def reason_to_skip():
    if BIN != SOURCE / "build/bin":
        return f"scripts/bundle.sh packs what is in {SOURCE / 'build'}, and this is the build in {BIN.parent}"
    if not (BIN / "llama/loader").exists() or not (BIN / "llama/backends/libggml-vulkan.so").exists():
        return "the programs are not built against a private llama.cpp with Vulkan"
    allowed = subprocess.run(hiding("true"), capture_output=True, text=True, check=False)
    return f"nothing can be mounted here: {allowed.stderr.strip()}" if allowed.returncode else None


def libraries_of(pid):
    """Every file with code that a process has mapped."""
    lines = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {line[line.index("/"):] for line in lines if " r-xp " in line and "/" in line}


class BundleTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.place = pathlib.Path(tempfile.mkdtemp(prefix="sweetspot bundle "))
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        subprocess.run([SOURCE / "scripts/bundle.sh", "--no-build", cls.place], check=True,
                       env={**os.environ, "SWEETSPOT_BUNDLE_LEVEL": "0"})
        (archive,) = cls.place.glob("*.tar.xz")
        subprocess.run(["tar", "-xf", archive, "-C", cls.place], check=True)
        cls.bundle = cls.place / archive.name.removesuffix(".tar.xz")

    def environment(self, extra=None):
        return super().environment({**NO_DEVICES, "PATH": "/usr/bin:/bin", **(extra or {})})

    def run_sweetspot(self, *arguments, program=None, **options):
        return self.run_hidden(program or self.bundle / "bin/sweetspot", *arguments, **options)

    def run_hidden(self, *command, env=None, timeout=120):
        return subprocess.run(hiding(*command), cwd=self.folder, text=True, capture_output=True, timeout=timeout,
                              env=self.environment(env), stdin=subprocess.DEVNULL, errors="backslashreplace")

    def start_sweetspot(self, *arguments, env=None, **popen):
        return subprocess.Popen(hiding(self.bundle / "bin/sweetspot", *arguments), cwd=self.folder,
                                env=self.environment(env), **popen)

    def json_of(self, *arguments):
        done = self.run_sweetspot(*arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_devices_plan_and_profile(self):
        for folder in hidden_folders():
            self.assertEqual(self.run_hidden("ls", "-A", folder).stdout, "", "the test itself: nothing else is to be seen")
        self.assertIn("CPU", json.dumps(self.json_of("devices")))
        model = self.synth("tiny.gguf", *TINY)
        self.assertTrue(self.json_of("plan", model))
        run = self.json_of("profile", model, *FAST, "--layers", "0")
        self.assertEqual(run["results"][0]["status"], "measured")

    def test_launch_starts_the_bundles_own_server(self):
        model = self.synth("tiny.gguf", *TINY)
        port = free_port()
        launched = Launched(self, "-m", model, "--port", port)
        launched.wait("healthy")
        self.assertIn("content", ask(port))
        processes = [pid for pid, _ in self.left_running()]
        self.assertGreaterEqual(len(processes), 2, "the supervisor and the server")
        for pid in processes:
            foreign = [file for file in libraries_of(pid) if not pathlib.Path(file).is_relative_to(self.bundle)]
            self.assertEqual(foreign, [], "all code is the bundle's")
        self.assertEqual(launched.end(), 0, "what the server made of SIGTERM")
        self.assertNotIn("failed to enumerate", "".join(launched.other))

    def test_it_is_found_through_links_and_path(self):
        link = self.folder / "my sweetspot"
        link.symlink_to(self.bundle / "bin/sweetspot")
        second = self.folder / "second"
        second.symlink_to(link.name)
        (self.folder / "tools").symlink_to(self.bundle / "bin")
        path = {"PATH": f"{self.bundle / 'bin'}:/usr/bin:/bin"}
        for program in (link, second, "./second", "tools/sweetspot", self.folder / "tools/sweetspot"):
            done = self.run_sweetspot("devices", program=program)
            self.assertEqual(done.returncode, 0, done.stderr)
        for command in (["sweetspot", "devices"], ["sh", self.bundle / "bin/sweetspot", "devices"]):
            done = self.run_hidden(*command, env=path)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_folder_that_the_loader_cannot_take_is_named(self):
        folder = self.folder / "a:b"
        (folder / "bin").mkdir(parents=True)
        shutil.copy(self.bundle / "bin/sweetspot", folder / "bin/sweetspot")
        done = self.run_sweetspot("devices", program=folder / "bin/sweetspot")
        self.assertEqual(done.returncode, EXIT_INTERNAL)
        self.assertIn("move it to another folder", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_the_library_brings_what_it_links(self):
        load = "import ctypes, sys; ctypes.CDLL(sys.argv[1]); print(open('/proc/self/maps').read())"
        done = self.run_hidden("/usr/bin/python3", "-c", load, self.bundle / "lib/libsweetspot.so.0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(str(self.bundle / "lib/libfmt"), done.stdout)

    def test_it_names_no_place_of_the_build_machine_and_every_licence(self):
        places = [str(folder).encode() for folder in hidden_folders()]
        for file in self.bundle.rglob("*"):
            if file.is_file() and not file.is_symlink():
                content = file.read_bytes()
                self.assertFalse([place for place in places if place in content], file)
        for package in ("libc6", "libgcc-s1", "libggml0", "libllama0", "libssl3t64", "libvulkan1", "libfmt*", "libcpp-httplib*",
                        "nlohmann-json3-dev"):
            self.assertTrue(list((self.bundle / "licenses").glob(package)), package)
        self.assertTrue((self.bundle / "LICENSE").exists())


if __name__ == "__main__":
    REASON = reason_to_skip()
    if REASON:
        print(f"skipped: {REASON}", file=sys.stderr)
        sys.exit(EXIT_SKIPPED)
    main()
