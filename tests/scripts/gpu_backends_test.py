"""scripts/gpu-backends.sh: which backend is taken for which card, and what is said of it."""

import subprocess
import tempfile
import unittest

from fake_root import SCRIPTS, FakeRoot

DECIDE = r"""
set -euo pipefail
source "$1/gpu-backends.sh"
mapfile -t cards < <(grep '^card ' || true)
wanted=$(wanted_backends "$2" "$3" "${cards[@]}" | xargs)
echo "$wanted"
read -ra there <<<"$wanted"
for card in "${cards[@]}"; do card_sentence "$2" "$card" "${there[@]}"; done
faster_backends "$wanted" "${cards[@]}"
"""

CUDA_HINT = "CUDA is usually faster than Vulkan: GPU=cuda make demo (loads 323 MB, 1.1 GB on disk, under NVIDIA's licence)"
HIP_HINT = "ROCm can be faster than Vulkan: GPU=hip make demo (loads 458 MB, 5.7 GB on disk, free software)"
NVIDIA = "NVIDIA card at 0000:01:00.0: "
AMD = "AMD card at 0000:03:00.0: "
INTEL = "Intel card at 0000:00:02.0: "


class GpuBackends(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.root = FakeRoot(f"{folder.name}/root")

    def decide(self, wish="auto", there=""):
        """The backends that the prefix is to have, then the sentences."""
        run = subprocess.run(["bash", "-c", DECIDE, "decide", SCRIPTS, wish, there], capture_output=True, text=True,
                             input="\n".join(self.root.detected()), check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout.splitlines()

    def test_without_a_card_only_what_is_asked_for(self):
        for wish, wanted in (("auto", ""), ("none", ""), ("vulkan", "vulkan"), ("cuda", "cuda"), ("hip", "hip")):
            self.assertEqual(self.decide(wish), [wanted])

    def test_auto_is_vulkan_for_every_vendor(self):
        self.root.nvidia().amd()
        self.root.intel()
        self.assertEqual(self.decide(), ["vulkan", INTEL + "Vulkan is used", NVIDIA + "Vulkan is used",
                                         AMD + "Vulkan is used", CUDA_HINT, HIP_HINT])

    def test_auto_keeps_what_is_there(self):
        self.root.nvidia()
        self.assertEqual(self.decide(there="cuda"), ["cuda", NVIDIA + "CUDA is used"])
        self.root.amd()
        self.assertEqual(self.decide(there="cuda hip"), ["cuda hip", NVIDIA + "CUDA is used", AMD + "ROCm is used"])

    def test_cards_that_the_wish_is_not_for_get_vulkan(self):
        self.root.nvidia().intel()
        self.assertEqual(self.decide("cuda"), ["cuda vulkan", INTEL + "Vulkan is used", NVIDIA + "CUDA is used"])
        self.assertEqual(self.decide("none"), ["", INTEL + "no backend was asked for (GPU=none)",
                                               NVIDIA + "no backend was asked for (GPU=none)"])

    def test_drivers_and_compute_capabilities_that_cuda_takes(self):
        minutes = "; its first run compiles for the card, which takes minutes"
        for version, capability, said in (
                ("525.60.13", "8.6", "CUDA is used"), ("525.60.13", "8.9", "CUDA is used"),
                ("524.99", "8.9", "driver 524 is older than this CUDA backend takes (525): Vulkan is used"),
                ("535.183.01", "9.0", "driver 535 is older than this CUDA backend takes (550): Vulkan is used"),
                ("550.54.14", "9.0", "CUDA is used" + minutes), ("580.65.06", "12.0", "CUDA is used" + minutes),
                ("580.65.06", "5.0", "CUDA is used" + minutes),
                ("470.256.02", "3.5", "compute capability 3.5 is lower than this CUDA backend takes (5.0): Vulkan is used"),
                ("535.183.01", "[N/A]", "driver 535 is older than this CUDA backend takes (550): Vulkan is used"),
                ("570.86.15", "[N/A]", "CUDA is used" + minutes)):
            self.root = FakeRoot(f"{self.folder}/{version}-{capability}").nvidia(version, capability)
            wanted = "cuda" if said.startswith("CUDA") else "vulkan"
            self.assertEqual(self.decide("cuda"), [wanted, NVIDIA + said])
            hints = self.decide("auto")[2:]
            self.assertEqual(hints, [CUDA_HINT] if wanted == "cuda" else [], (version, capability))

    def test_hip_needs_kfd(self):
        self.root.amd(kfd=False)
        self.assertEqual(self.decide("hip"), ["vulkan", AMD + "/dev/kfd, which ROCm needs, is not here: Vulkan is used"])
        self.root.file("dev/kfd")
        self.assertEqual(self.decide("hip"), ["hip", AMD + "ROCm is used"])

    def test_cards_without_a_driver(self):
        self.root.card("0000:01:00.0", "nvidia").card("0000:03:00.0", "amd", driver="radeon")
        for wish in ("auto", "cuda"):
            self.assertEqual(self.decide(wish), ["", NVIDIA + "no driver is loaded (nvidia)",
                                                 AMD + "its driver is radeon, not amdgpu"])

    def test_nouveau(self):
        self.root.card("0000:01:00.0", "nvidia", driver="nouveau", render="renderD128").vulkan("nouveau")
        self.root.file("dev/dri/renderD128")
        self.assertEqual(self.decide("cuda"), [
            "vulkan", NVIDIA + "its driver is nouveau, and CUDA needs NVIDIA's own: Vulkan is used"])

    def test_no_vulkan_driver(self):
        self.root.nvidia().amd()
        for file in self.root.folder.glob("usr/share/vulkan/icd.d/*"):
            file.unlink()
        self.assertEqual(self.decide()[:3], [
            "vulkan",
            NVIDIA + "Vulkan is used, but this system has no Vulkan driver for it: install the Vulkan part of NVIDIA's "
            "driver (nvidia-vulkan-icd, in Ubuntu libnvidia-gl)",
            AMD + "Vulkan is used, but this system has no Vulkan driver for it: install mesa-vulkan-drivers"])

    def test_a_container_that_was_not_given_the_card(self):
        self.root.card("0000:01:00.0", "nvidia", driver="nvidia")
        self.assertEqual(self.decide(), [
            "", NVIDIA + "its files in /dev are not here; a container has to be given the card"])

    def test_wsl(self):
        self.root.file("dev/dxg")
        self.root.nvidia_smi("00000000:01:00.0, 8.6, 551.61", place="usr/lib/wsl/lib")
        self.assertEqual(self.decide(), [
            "", NVIDIA + "WSL has no Vulkan driver for it; CUDA works there: GPU=cuda make demo "
            "(loads 323 MB, 1.1 GB on disk, under NVIDIA's licence)"])
        self.assertEqual(self.decide("cuda"), ["cuda", NVIDIA + "CUDA is used"])

    def test_wsl_with_a_card_that_nothing_names(self):
        self.root.file("dev/dxg")
        self.assertEqual(self.decide(), ["", "Windows' card: WSL has no Vulkan driver for it"])

    def test_a_screen_alone(self):
        self.root.card("0000:04:00.0", "aspeed", "0x2000", driver="ast")
        self.assertEqual(self.decide(), [
            "", "display adapter 1a03:2000 at 0000:04:00.0: no backend of llama.cpp computes on it"])


if __name__ == "__main__":
    unittest.main()
