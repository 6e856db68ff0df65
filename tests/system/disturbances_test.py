"""What spoils a measurement is named: the real program, a scripted worker, a scripted NVML.

The worker takes 5 ms a token and is noisy, so that it works until its time is up while the driver is watched.
"""

import json
import os
import pathlib
import subprocess
import threading
import time
import unittest

from harness import GIB, SCRIPTED_WORKER, SOURCE, SystemTest

NVML = os.environ["FAKE_NVML_LIBRARY"]
PCI = "0000:01:00.0"
CARD = {"pci": "00000000:01:00.0", "name": "Card", "uuid": "GPU-1", "utilisation": 0, "temperature": 60,
        "memory": {"total": 8 * GIB, "free": 7 * GIB, "used": GIB, "reserved": 0}, "power_field_mw": 150000,
        "graphics_mhz": 1500, "graphics_max_mhz": 3000, "memory_mhz": 9000, "throttle": 0}
HOT = {"held_ns": {"power": 0, "thermal": {"from": 1e9, "per_second": 5e8}},
       "temperature": [61, 50] * 500}
CROWDED = {"memory": {**CARD["memory"], "used": [GIB, 3 * GIB] * 500}}


def replace(path, text):
    """As the kernel does it: a reader sees the old text or the new one."""
    fresh = pathlib.Path(f"{path}.new")
    fresh.write_text(text)
    fresh.rename(path)


class Disturbances(SystemTest):
    def pci_folder(self, vendor):
        """The card in a folder that plays the kernel's /sys."""
        folder = self.folder / "root/sys/bus/pci/devices" / PCI
        (folder / "power").mkdir(parents=True, exist_ok=True)
        (folder / "class").write_text("0x030000\n")
        (folder / "vendor").write_text(vendor + "\n")
        (folder / "power/runtime_status").write_text("active\n")
        return folder

    def profile(self, *arguments, seconds="1", env=None, **worker):
        """Profiles with a scripted worker; gives the run, checked against its schema, and the table."""
        worker = {"devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8 * GIB,
                               "free_bytes": 7 * GIB, "pci_bus_id": PCI}],
                  "model": {"layers": 22},
                  "speed": {"cpu_ms": 10, "gpu_ms": 5, "noise": 0.4, "real_time": True}, **worker}
        done = self.run_sweetspot(
            "profile", "m.gguf", "--details", "-o", "run.json", "--max-seconds", seconds, *arguments,
            env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER), "SWEETSPOT_SCRIPT": json.dumps(worker),
                 "SWEETSPOT_SYSFS_ROOT": str(self.folder / "root"), **(env or {})})
        self.assertEqual(done.returncode, 0, done.stderr)
        run = json.loads((self.folder / "run.json").read_text())
        # The scripted worker has read no file; all else is as it is written for real models.
        run["model"]["files"] = [{"path": "m.gguf", "size_bytes": 1, "mtime_ns": 1, "inode": 1}]
        path = self.folder / "checked.json"
        path.write_text(json.dumps(run))
        valid = subprocess.run(["/usr/bin/python3", SOURCE / "tests/system/validate_json.py",
                                SOURCE / "docs/formats/run-1.schema.json", path],
                               capture_output=True, text=True, timeout=60)
        self.assertEqual(valid.returncode, 0, valid.stdout + valid.stderr)
        return run, done.stdout

    def profile_on(self, card, *arguments, seconds="1"):
        """As profile(), on a machine with this NVIDIA card."""
        self.pci_folder("0x10de")
        script = self.folder / "nvml.json"
        script.write_text(json.dumps({"driver_version": "550.54.14", "gpus": [{**CARD, **card}]}))
        return self.profile(*arguments, seconds=seconds, env={
            "SWEETSPOT_NVML_LIBRARY": NVML, "FAKE_NVML_SCRIPT": str(script)})

    def status_of(self, table, number):
        """The last cells of the row with this number."""
        rows = [line for line in table.splitlines() if line.lstrip("*~ ").startswith(f"{number}  ")]
        return rows[0].split("  ")[-1].strip()

    def test_a_quiet_card_has_nothing_to_tell(self):
        run, table = self.profile_on({}, "--layers", "23")
        self.assertEqual(run["results"][0]["disturbances"], [])
        self.assertFalse(any("again" in note for note in run["results"][0]["notes"]))
        self.assertEqual(self.status_of(table, 0), "time limit")
        self.assertEqual(run["results"][0]["telemetry"]["throttle_times"], [])

    def test_a_card_that_is_stuck_at_its_idle_clock_is_said(self):
        run, table = self.profile_on({"graphics_mhz": 210, "utilisation": 99}, "--layers", "23")
        (notice,) = (text for text in run["notices"] if "Something is wrong with this machine" in text)
        self.assertIn("210 of 3000 MHz", notice)
        self.assertIn("nvidia-smi -rgc", notice)
        self.assertIn("Something is wrong with this machine", " ".join(table.split()))

    def test_a_card_whose_link_stays_slow_under_load_is_said(self):
        run, _ = self.profile_on({"utilisation": 99, "pcie": 1, "pcie_max": 4}, "--layers", "23")
        (notice,) = (text for text in run["notices"] if "PCIe" in text)
        self.assertIn("Something is wrong with this machine: the card's link ran as PCIe 1 of 4", notice)
        for quiet in ({"utilisation": 99, "pcie": 4, "pcie_max": 4}, {"utilisation": 3, "pcie": 1, "pcie_max": 4}):
            run, _ = self.profile_on(quiet, "--layers", "23")
            self.assertFalse([text for text in run["notices"] if "PCIe" in text])

    def test_a_card_below_its_default_power_limit_is_said(self):
        run, _ = self.profile_on({"power_limit_mw": 150000, "power_limit_default_mw": 300000}, "--layers", "23")
        self.assertTrue([text for text in run["notices"] if "150 W where 300 W are usual" in text], run["notices"])

    def test_a_throttled_row_says_throttled(self):
        run, table = self.profile_on(HOT, "--layers", "23")
        row = run["results"][0]
        self.assertEqual(row["status"], "measured")
        self.assertEqual(row["disturbances"], ["throttled"])
        self.assertEqual(self.status_of(table, 0), "throttled")
        self.assertIn("throttled: heat, power or current", table)
        self.assertEqual(sum("measured again" in note for note in row["notes"]), 2, row["notes"])
        (cause,) = row["telemetry"]["throttle_times"]
        self.assertEqual(cause["reason"], "thermal slowdown")
        self.assertGreater(cause["ms"], 200)
        self.assertEqual(row["telemetry"]["graphics_clock_limit_mhz"], 3000)
        self.assertTrue(any("clock at 50 % of its maximum" in note for note in row["notes"]))
        self.assertEqual(run["analysis"]["optimum"], 0, "the label is enough")

    def test_a_contended_row_says_contended(self):
        run, table = self.profile_on(CROWDED, "--layers", "23")
        row = run["results"][0]
        self.assertEqual(row["disturbances"], ["contended"])
        self.assertEqual(self.status_of(table, 0), "contended")
        self.assertRegex("\n".join(row["notes"]), r"contended: memory in use (rose|fell) by 2\.00 GiB")
        self.assertIn("contended: other programs used the device meanwhile", table)

    def test_memory_that_amdgpu_pages_out_is_a_spill(self):
        card = self.pci_folder("0x1002")
        (card / "uevent").write_text("DRIVER=amdgpu\n")
        (card / "mem_info_vram_vendor").write_text("test\n")
        (card / "mem_info_vram_total").write_text(f"{8 * GIB}\n")
        (card / "mem_info_gtt_total").write_text(f"{16 * GIB}\n")
        (card / "mem_info_vram_used").write_text(f"{GIB}\n")
        (card / "mem_info_gtt_used").write_text(f"{GIB // 2}\n")
        starts = self.folder / "starts"

        def page_out():
            """Once the second worker has started; the first one only inspects."""
            give_up = time.monotonic() + 30
            while time.monotonic() < give_up:
                if starts.exists() and starts.stat().st_size >= 2:
                    replace(card / "mem_info_vram_used", f"{8 * GIB - GIB // 4}\n")
                    replace(card / "mem_info_gtt_used", f"{4 * GIB}\n")
                    return
                time.sleep(0.01)

        thread = threading.Thread(target=page_out)
        thread.start()
        run, table = self.profile("--layers", "23", starts_file=str(starts),
                                  rules=[{"at": "load", "delay_ms": 500}])
        thread.join()
        row = run["results"][0]
        self.assertEqual(row["disturbances"], ["spilled"])
        self.assertTrue(any("pages 3.50 GiB to system memory" in note for note in row["notes"]),
                        row["notes"])
        self.assertEqual(self.status_of(table, 0), "spilled")
        self.assertIsNone(run["analysis"]["optimum"])

    def test_energy_comes_from_the_counter_after_five_seconds(self):
        energy = {"energy_mj": {"from": 4294967296 - 400000, "per_second": 200000,
                                "wraps_at": 4294967296}}
        run, _ = self.profile_on(energy, "--layers", "23", "-p", "0", seconds="6")
        speed = run["results"][0]["generation"]
        self.assertEqual(speed["energy_source"], "energy-counter")
        self.assertAlmostEqual(speed["joules_per_token"], 200 * 0.005, delta=0.2)

    def test_shorter_work_is_indicative_or_has_no_joules(self):
        run, _ = self.profile_on({"energy_mj": 5}, "--layers", "23", "-p", "0", seconds="2")
        self.assertEqual(run["results"][0]["generation"]["energy_source"], "power-average")
        run, _ = self.profile_on({"energy_mj": 5}, "--layers", "23", "-p", "0", seconds="0.5")
        speed = run["results"][0]["generation"]
        self.assertIsNone(speed["joules_per_token"])
        self.assertIn("say nothing of power", speed["absent"]["joules_per_token"])


if __name__ == "__main__":
    unittest.main()
