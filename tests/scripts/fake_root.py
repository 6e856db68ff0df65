"""A folder that plays the root of a machine's file system, with graphics cards."""

import os
import pathlib
import subprocess

SCRIPTS = pathlib.Path(os.environ["SWEETSPOT_SOURCE_DIR"]) / "scripts"

VENDORS = {"nvidia": "0x10de", "amd": "0x1002", "intel": "0x8086", "aspeed": "0x1a03"}
VULKAN_FILES = {"nvidia": "nvidia_icd.json", "amd": "radeon_icd.x86_64.json", "intel": "intel_icd.x86_64.json",
                "nouveau": "nouveau_icd.x86_64.json", "wsl": "dzn_icd.x86_64.json"}


class FakeRoot:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def file(self, path, text=""):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def pci(self):
        (self.folder / "sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
        return self

    def card(self, address, vendor, device="0x1234", pci_class="0x030000", driver="", render=""):
        self.pci()
        place = f"sys/bus/pci/devices/{address}"
        self.file(f"{place}/class", pci_class + "\n")
        self.file(f"{place}/vendor", VENDORS[vendor] + "\n")
        self.file(f"{place}/device", device + "\n")
        self.file(f"{place}/uevent", (f"DRIVER={driver}\n" if driver else "") + "PCI_CLASS=30000\n")
        if render:
            (self.folder / place / "drm" / render).mkdir(parents=True)
        return self

    def vulkan(self, name):
        self.file(f"usr/share/vulkan/icd.d/{VULKAN_FILES[name]}", "{}")
        return self

    def nvidia_smi(self, *cards, place="usr/bin", script=None):
        """cards: "address, capability, version", as the program itself prints them."""
        lines = "\n".join(cards)
        program = self.file(f"{place}/nvidia-smi", script or f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\n")
        program.chmod(0o755)
        return self

    def nvidia(self, version="550.163.01", capability="8.9", address="0000:01:00.0"):
        """A card with NVIDIA's driver and all that belongs to it."""
        self.card(address, "nvidia", "0x2684", driver="nvidia")
        self.file("dev/nvidiactl")
        self.file("proc/driver/nvidia/version",
                  f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Tue Apr  8 12:41:17 UTC 2025\nGCC version: 12\n")
        self.nvidia_smi(f"0000{address.upper()}, {capability}, {version}")
        return self.vulkan("nvidia")

    def amd(self, address="0000:03:00.0", kfd=True):
        self.card(address, "amd", "0x744c", driver="amdgpu", render="renderD128")
        self.file("dev/dri/renderD128")
        if kfd:
            self.file("dev/kfd")
        return self.vulkan("amd")

    def intel(self, address="0000:00:02.0"):
        self.card(address, "intel", "0x46a6", driver="i915", render="renderD129")
        self.file("dev/dri/renderD129")
        return self.vulkan("intel")

    def detected(self):
        run = subprocess.run([SCRIPTS / "detect-gpu.sh", self.folder], capture_output=True, text=True, check=False)
        assert run.returncode == 0 and not run.stderr, (run.returncode, run.stderr)
        return run.stdout.splitlines()
