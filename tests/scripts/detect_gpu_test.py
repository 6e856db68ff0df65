"""scripts/detect-gpu.sh on machines that are folders."""

import tempfile
import unittest

from fake_root import FakeRoot


class DetectGpu(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = FakeRoot(folder.name)

    def expect(self, *lines):
        self.assertEqual(self.root.detected(), list(lines))

    def test_no_card(self):
        self.root.card("0000:00:03.0", "intel", pci_class="0x020000", driver="e1000")
        self.expect("machine pci=yes wsl=no")

    def test_nvidia(self):
        self.root.nvidia()
        self.expect("machine pci=yes wsl=no",
                    "card address=0000:01:00.0 vendor=nvidia id=10de:2684 kernel-driver=nvidia version=550.163.01 "
                    "capability=8.9 missing=none")

    def test_amd(self):
        self.root.amd()
        self.expect("machine pci=yes wsl=no",
                    "card address=0000:03:00.0 vendor=amd id=1002:744c kernel-driver=amdgpu version=unknown "
                    "capability=unknown missing=none")

    def test_intel(self):
        self.root.intel()
        self.expect("machine pci=yes wsl=no",
                    "card address=0000:00:02.0 vendor=intel id=8086:46a6 kernel-driver=i915 version=unknown "
                    "capability=unknown missing=none")

    def test_other_makers_screens(self):
        self.root.card("0000:04:00.0", "aspeed", "0x2000", driver="ast")
        self.expect("machine pci=yes wsl=no",
                    "card address=0000:04:00.0 vendor=other id=1a03:2000 kernel-driver=ast version=unknown "
                    "capability=unknown missing=none")

    def test_accelerators(self):
        """AMD's MI300 has no screen; Intel's NPU has the same class and is no graphics card."""
        self.root.card("0000:05:00.0", "amd", pci_class="0x120000", driver="amdgpu")
        self.root.card("0000:00:0b.0", "intel", pci_class="0x120000", driver="intel_vpu")
        lines = self.root.detected()
        self.assertEqual([line.split()[1] for line in lines[1:]], ["address=0000:05:00.0"])

    def missing(self):
        return [line.rsplit(" missing=", 1)[1] for line in self.root.detected()[1:]]

    def test_no_driver(self):
        self.root.card("0000:01:00.0", "nvidia").card("0000:02:00.0", "amd", driver="vfio-pci")
        self.assertEqual(self.missing(), ["kernel-driver", "kernel-driver"])
        self.assertIn("kernel-driver=none", self.root.detected()[1])
        self.assertIn("kernel-driver=vfio-pci", self.root.detected()[2])

    def test_nouveau_has_a_vulkan_of_its_own(self):
        self.root.card("0000:01:00.0", "nvidia", driver="nouveau", render="renderD128").vulkan("nvidia")
        self.root.file("dev/dri/renderD128")
        self.assertEqual(self.missing(), ["vulkan-driver"])
        self.root.vulkan("nouveau")
        self.assertEqual(self.missing(), ["none"])

    def test_no_vulkan_driver_and_no_kfd(self):
        self.root.card("0000:03:00.0", "amd", driver="amdgpu", render="renderD128").file("dev/dri/renderD128")
        self.assertEqual(self.missing(), ["vulkan-driver,kfd"])

    def test_two_vendors(self):
        self.root.nvidia().intel()
        lines = self.root.detected()
        self.assertEqual([line.split()[2] for line in lines[1:]], ["vendor=intel", "vendor=nvidia"])
        self.assertEqual(self.missing(), ["none", "none"])

    def test_two_cards_of_one_vendor(self):
        self.root.nvidia()
        self.root.card("0000:0a:00.0", "nvidia", driver="nvidia")
        self.root.nvidia_smi("00000000:01:00.0, 8.9, 550.163.01", "00000000:0A:00.0, 7.5, 550.163.01")
        self.assertEqual([line.split()[6] for line in self.root.detected()[1:]], ["capability=8.9", "capability=7.5"])

    def test_container_without_sys(self):
        self.root.nvidia_smi("00000000:01:00.0, 9.0, 570.86.15").vulkan("nvidia").file("dev/nvidiactl")
        self.expect("machine pci=no wsl=no",
                    "card address=0000:01:00.0 vendor=nvidia id=unknown kernel-driver=nvidia version=570.86.15 "
                    "capability=9.0 missing=none")

    def test_container_that_was_not_given_the_cards(self):
        self.root.card("0000:01:00.0", "nvidia", driver="nvidia").vulkan("nvidia")
        self.root.card("0000:03:00.0", "amd", driver="amdgpu", render="renderD128").vulkan("amd").file("dev/kfd")
        self.assertEqual(self.missing(), ["device-files", "device-files"])

    def test_wsl(self):
        self.root.card("4a5b:00:00.0", "aspeed", driver="dxgkrnl", pci_class="0x030200").file("dev/dxg")
        self.root.nvidia_smi("00000000:01:00.0, 8.6, 551.61", place="usr/lib/wsl/lib")
        self.expect("machine pci=yes wsl=yes",
                    "card address=0000:01:00.0 vendor=nvidia id=unknown kernel-driver=dxgkrnl version=551.61 "
                    "capability=8.6 missing=vulkan-driver")
        self.root.vulkan("wsl")
        self.assertEqual(self.missing(), ["none"])

    def test_wsl_with_a_card_that_nothing_names(self):
        self.root.pci().file("dev/dxg")
        self.expect("machine pci=yes wsl=yes",
                    "card address=unknown vendor=unknown id=unknown kernel-driver=dxgkrnl version=unknown "
                    "capability=unknown missing=vulkan-driver")

    def test_an_nvidia_smi_that_fails_or_does_not_know_the_question(self):
        self.root.nvidia(version="470.42")
        for text, status in (("Field \"compute_cap\" is not a valid field to query.", 2),
                             ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9),
                             ("No devices were found", 0)):
            self.root.nvidia_smi(script=f"#!/bin/sh\necho '{text}'\nexit {status}\n")
            self.assertIn("version=470.42 capability=unknown missing=none", self.root.detected()[1], text)

    def test_the_version_of_the_open_driver(self):
        self.root.nvidia().file("proc/driver/nvidia/version",
                                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n")
        self.assertIn("version=580.65.06", self.root.detected()[1])


if __name__ == "__main__":
    unittest.main()
