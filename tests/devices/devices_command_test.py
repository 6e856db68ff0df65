"""`sweetspot devices` end to end: the real program, a scripted worker for what ggml sees, a scripted
driver library for what NVML says, and a folder for what the kernel says."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import EXIT_DEVICE, EXIT_USAGE, GIB, SCRIPTED_WORKER, SOURCE, SystemTest  # noqa: E402

NVML = os.environ["FAKE_NVML_LIBRARY"]
CARD = {"pci": "00000000:C1:00.0", "name": "Card C1", "uuid": "GPU-c1", "utilisation": 87,
        "memory": {"total": 24 * GIB, "free": 20 * GIB, "used": 3 * GIB, "reserved": GIB},
        "temperature": 61, "power_mw": 215500, "power_limit_mw": 450000, "graphics_mhz": 2520,
        "memory_mhz": 10501, "throttle": 0x20}
OTHER = {**CARD, "pci": "00000000:01:00.0", "name": "Card 01", "temperature": 40, "throttle": 0}


def ggml(name, pci):
    return {"id": name, "type": "gpu", "total_bytes": 23 * GIB, "free_bytes": 22 * GIB, "pci_bus_id": pci}


class Devices(SystemTest):
    def read_json(self, *arguments, env):
        """What `devices --json` prints, once it was found to be what its schema says."""
        done = self.run_sweetspot("devices", "--json", *arguments, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.folder / "devices.json"
        path.write_text(done.stdout)
        valid = subprocess.run(["/usr/bin/python3", SOURCE / "tests/system/validate_json.py",
                                SOURCE / "docs/formats/devices-1.schema.json", path],
                               capture_output=True, text=True, timeout=60)
        self.assertEqual(valid.returncode, 0, valid.stdout + valid.stderr)
        return json.loads(done.stdout)

    def machine(self, cards, devices, power="active", rules=()):
        """The environment of a machine with these cards as NVML lists them and as ggml does."""
        root = self.folder / "root"
        for card in cards:
            folder = root / "sys/bus/pci/devices" / card["pci"][4:].lower()
            (folder / "power").mkdir(parents=True, exist_ok=True)
            (folder / "class").write_text("0x030000\n")
            (folder / "vendor").write_text("0x10de\n")
            (folder / "power/runtime_status").write_text(power + "\n")
        root.mkdir(exist_ok=True)
        self.calls = self.folder / "calls"
        self.starts = self.folder / "starts"
        script = self.folder / "nvml.json"
        script.write_text(json.dumps({"driver_version": "550.54.14", "calls_file": str(self.calls),
                                      "gpus": cards}))
        worker = {"devices": devices, "starts_file": str(self.starts), "rules": list(rules)}
        return {"SWEETSPOT_NVML_LIBRARY": NVML, "FAKE_NVML_SCRIPT": str(script),
                "SWEETSPOT_SYSFS_ROOT": str(root), "SWEETSPOT_WORKER": str(SCRIPTED_WORKER),
                "SWEETSPOT_SCRIPT": json.dumps(worker)}

    def test_joins_by_address_and_shows_every_metric(self):
        env = self.machine([CARD, OTHER], [ggml("CUDA0", "0000:01:00.0"), ggml("CUDA1", "0000:c1:00.0")])
        seen = self.read_json(env=env)
        self.assertEqual(seen["schema"], "sweetspot.devices/1")
        status = {device["id"]: device["status"] for device in seen["devices"]}
        self.assertEqual(status["CUDA0"]["name"], "Card 01")
        self.assertEqual(status["CUDA1"]["name"], "Card C1")
        self.assertEqual(status["CUDA1"]["throttle_reasons"], ["software thermal slowdown"])
        self.assertEqual(status["CUDA0"]["throttle_reasons"], [])
        self.assertIsNone(status["CPU"])
        self.assertEqual(seen["other_devices"], [])
        memory = next(d["memory"] for d in seen["devices"] if d["id"] == "CUDA1")
        self.assertEqual((memory["free_bytes"], memory["source"]), (20 * GIB, "nvml v2"))
        table = self.run_sweetspot("devices", "--details", env=env).stdout
        for text in ("CUDA1", "scripted device", "550.54.14", "24.00 GiB", "20.00 GiB", "87", "61", "216", "450",
                     "2520", "10501", "software thermal slowdown"):
            self.assertIn(text, table)

    def test_what_cannot_be_read_is_a_dash_and_null_with_a_reason(self):
        card = {"pci": CARD["pci"], "name": "Card\x1b[31m$(id)", "temperature": 50}
        env = self.machine([card], [ggml("CUDA0", "0000:c1:00.0")])
        seen = self.read_json(env=env)
        device = next(d for d in seen["devices"] if d["id"] == "CUDA0")
        for field in ("memory_free_bytes", "utilisation_percent", "power_w", "graphics_clock_mhz"):
            self.assertIsNone(device["status"][field])
            self.assertTrue(device["status"]["absent"][field])
        self.assertEqual(device["memory"]["source"], "ggml")
        table = self.run_sweetspot("devices", "--details", env=env).stdout
        row = [line for line in table.splitlines() if line.startswith("CUDA0")][1]
        self.assertEqual(row.split(), ["CUDA0", "-", "50", "-", "-", "-", "-", "-"])
        self.assertNotIn("\x1b", table)

    def test_a_sleeping_gpu_is_listed_and_nothing_is_asked(self):
        env = self.machine([CARD], [ggml("CUDA0", "0000:c1:00.0")], power="suspended")
        done = self.run_sweetspot("devices", "--details", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0000:c1:00.0", done.stdout)
        self.assertIn("asleep", done.stdout)
        self.assertIn("--wake", done.stdout)
        self.assertFalse(self.calls.exists(), "no call to the driver")
        self.assertFalse(self.starts.exists(), "no worker, whose backends would wake it")
        seen = self.read_json(env=env)
        self.assertIsNone(seen["engine"])
        self.assertIsNone(seen["other_devices"][0]["temperature_c"])
        self.assertIn("asleep", seen["other_devices"][0]["absent"]["temperature_c"])

    def test_without_a_gpu_it_says_which_cards_there_are_and_why_not(self):
        env = self.machine([CARD], [])
        card = self.folder / "root/sys/bus/pci/devices/0000:c1:00.0"
        (card / "device").write_text("0x2684\n")
        told = lambda: [note for note in self.read_json(env=env)["notes"] if "c1:00.0" in note]
        self.assertEqual(len(told()), 1)
        self.assertIn("card of NVIDIA (10de:2684)", told()[0])
        self.assertIn("no driver for it loaded", told()[0])
        (card / "uevent").write_text("DRIVER=nvidia\nPCI_CLASS=30000\n")
        self.assertIn("its driver is nvidia, and this llama.cpp has, or could load, none of the backends",
                      told()[0])
        self.assertIn("0000:c1:00.0 is a card of NVIDIA",
                      self.run_sweetspot("devices", env=env).stdout)

    def test_a_card_in_a_narrow_slot_and_a_renderer_that_is_no_card_are_said(self):
        env = self.machine([CARD], [ggml("CUDA0", "0000:c1:00.0"),
                                    {**ggml("Vulkan0", "0000:c2:00.0"), "description": "llvmpipe (LLVM 15.0.6, 256 bits)"}])
        card = self.folder / "root/sys/bus/pci/devices/0000:c1:00.0"
        (card / "max_link_width").write_text("16\n")
        (card / "current_link_width").write_text("4\n")
        notes = " ".join(self.read_json(env=env)["notes"])
        self.assertIn("CUDA0 is connected by 4 of its 16 PCIe lanes", notes)
        self.assertIn("is a software renderer", notes)
        self.assertIn("4 of its 16", " ".join(self.run_sweetspot("devices", env=env).stdout.split()))
        (card / "current_link_width").write_text("16\n")
        self.assertNotIn("PCIe lanes", " ".join(self.read_json(env=env)["notes"]))

    def test_a_card_below_its_default_power_limit_is_said(self):
        env = self.machine([{**CARD, "power_limit_default_mw": 575000}], [ggml("CUDA0", "0000:c1:00.0")])
        shown = " ".join(self.run_sweetspot("devices", env=env).stdout.split())
        self.assertIn("CUDA0 may take 450 W where 575 W are usual for it", shown)
        self.assertIn("nvidia-smi -i 0000:c1:00.0 -pl 575", shown)

    def test_wake_asks_it(self):
        env = self.machine([CARD], [ggml("CUDA0", "0000:c1:00.0")], power="suspended")
        seen = self.read_json("--wake", env=env)
        device = next(d for d in seen["devices"] if d["id"] == "CUDA0")
        self.assertEqual(device["status"]["temperature_c"], 61)
        self.assertTrue(self.starts.exists())

    def test_watch_reads_again_until_interrupted_and_starts_one_worker(self):
        card = {**CARD, "temperature": [41, 42, 43, 44, 45, 46]}
        env = self.machine([card], [ggml("CUDA0", "0000:c1:00.0")])
        watch = self.start_sweetspot("devices", "--watch", "--interval", "0.1", "--json", env=env,
                                     stdout=subprocess.PIPE, text=True)
        looks = [json.loads(watch.stdout.readline()) for _ in range(8)]
        watch.send_signal(signal.SIGINT)
        begin = time.monotonic()
        watch.communicate(timeout=20)
        self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(watch.returncode, 0)
        temperatures = [d["status"]["temperature_c"] for look in looks for d in look["devices"]
                        if d["id"] == "CUDA0"]
        self.assertEqual(temperatures, sorted(temperatures))
        self.assertGreater(len(set(temperatures)), 2, temperatures)
        self.assertEqual(self.starts.stat().st_size, 1)

    def test_watch_ends_when_its_reader_is_gone(self):
        env = self.machine([CARD], [ggml("CUDA0", "0000:c1:00.0")])
        watch = self.start_sweetspot("devices", "--watch", "--interval", "0.1", env=env,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watch.stdout.readline()
        watch.stdout.close()
        self.assertEqual(watch.wait(timeout=20), 0)
        self.assertEqual(watch.stderr.read(), "")
        watch.stderr.close()

    def test_a_driver_that_hangs_does_not_stop_an_interrupt(self):
        card = {**CARD, "block_ms": {"nvmlDeviceGetName": 30000}}
        env = self.machine([card], [ggml("CUDA0", "0000:c1:00.0")])
        hanging = self.start_sweetspot("devices", env=env, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 20
        while "nvmlDeviceGetName" not in (self.calls.read_text() if self.calls.exists() else ""):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        begin = time.monotonic()
        hanging.send_signal(signal.SIGINT)
        hanging.communicate(timeout=20)
        self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual(hanging.returncode, 130)

    def test_errors_have_their_exit_codes(self):
        env = self.machine([], [])
        self.assertEqual(self.run_sweetspot("devices", "--interval", "1", env=env).returncode, EXIT_USAGE)
        self.assertEqual(self.run_sweetspot("devices", "--rpc", "nonsense", env=env).returncode,
                         EXIT_USAGE)
        refused = self.machine([], [], rules=[{"at": "hello", "do": "fault", "code": "rpc-refused",
                                               "message": "refused", "phase": "rpc-connect"}])
        done = self.run_sweetspot("devices", "--rpc", "127.0.0.1:1", env=refused)
        self.assertEqual(done.returncode, EXIT_DEVICE, done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
