"""The processor is the machine too: which of it may be used, and who else uses it (R47, R48, R49).

Quotas are real ones where a cgroup may be made here, else files that play the kernel's. Neighbours are busy loops.
Nothing here needs a quiet machine: what is asserted is true beside any other load.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

from harness import EXIT_NOTHING, GIB, NO_DEVICES, SCRIPTED_WORKER, SWEETSPOT, SystemTest

CORES = len(os.sched_getaffinity(0))
LONGER = ["-c", "256", "-b", "64", "-ub", "64", "-p", "0", "-n", "16", "--max-seconds", "2"]
# Large enough that a token takes some milliseconds, and waiting shows in wall time.
MODEL = ["--blocks", "6", "--embd", "512", "--ff", "2048", "--heads", "8", "--kv-heads", "4", "--vocab", "2048"]


@contextlib.contextmanager
def busy_loops(count):
    """So many processes that only compute; gives a function that ends them."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]

    def end():
        for loop in loops:
            loop.kill()
            loop.wait()

    try:
        yield end
    finally:
        end()


def cgroup_with_quota(name, percent):
    """A group of our own with a CFS quota, as a folder; None where none may be made."""
    old, new = pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")
    quota = str(percent * 1000)
    for root, limits in ((old, {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": quota}),
                         (new, {"cpu.max": quota + " 100000"})):
        group = root / name
        if not (root / "cgroup.procs").exists():
            continue
        with contextlib.suppress(OSError):
            group.mkdir()
            try:
                for limit, text in limits.items():
                    (group / limit).write_text(text)
                return group
            except OSError:
                group.rmdir()
    return None


class Processor(SystemTest):
    def run_file(self, name="run.json"):
        return json.loads((self.folder / name).read_text())

    def kernel(self, files):
        """A folder that plays the root of /proc and /sys."""
        root = self.folder / "root"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return {"SWEETSPOT_SYSFS_ROOT": str(root)}

    # ---- R48: which of it may be used

    def exported_threads(self, model, env=None):
        done = self.run_sweetspot("choose", model, "--format", "llama-server", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        words = done.stdout.split()
        return int(words[words.index("--threads") + 1]) if "--threads" in words else None

    def expect_one_thread(self, run):
        self.assertEqual(run["machine"]["usable_threads"], 1)
        self.assertEqual(run["machine"]["cpu_quota"], 1)
        for row in run["results"]:
            self.assertEqual(row["effective"]["n_threads"], 1)

    def test_a_quota_of_one_processor_gives_one_thread(self):
        two = {"proc/self/status": "Cpus_allowed_list:\t0-1\n",
               "sys/devices/system/cpu/cpu0/topology/core_cpus_list": "0\n",
               "sys/devices/system/cpu/cpu1/topology/core_cpus_list": "1\n"}
        version_2 = {**two, "proc/self/cgroup": "0::/pod\n", "sys/fs/cgroup/pod/cpu.max": "100000 100000\n"}
        version_1 = {**two, "proc/self/cgroup": "4:cpu,cpuacct:/pod\n",
                     "sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us": "50000\n",
                     "sys/fs/cgroup/cpu/pod/cpu.cfs_period_us": "50000\n"}
        model = self.synth()
        for name, files in (("v2", version_2), ("v1", version_1)):
            with self.subTest(name):
                env = self.kernel(files)
                done = self.run_sweetspot("profile", model, *LONGER, "-o", f"{name}.json", env=env)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.expect_one_thread(self.run_file(f"{name}.json"))
                self.assertEqual(self.exported_threads(model, env), 1)

    def test_a_real_quota_gives_one_thread(self):
        if CORES < 2:
            self.skipTest("one processor: there is nothing to limit")
        group = cgroup_with_quota(self.folder.name, 100)
        if group is None:
            self.skipTest("no cgroup with a quota may be made here")
        self.addCleanup(group.rmdir)
        model = self.synth()
        env = self.environment()
        done = subprocess.run(
            ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$0" "$@"', str(SWEETSPOT), "profile", str(model),
             *LONGER, "-o", "run.json"], cwd=self.folder, env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_one_thread(self.run_file())

    def test_affinity_gives_as_many_threads(self):
        model = self.synth()
        one = min(os.sched_getaffinity(0))
        done = subprocess.run(["taskset", "-c", str(one), str(SWEETSPOT), "profile", str(model), *LONGER, "-o", "run.json"],
                              cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_file()["results"][0]["effective"]["n_threads"], 1)

    def test_what_is_only_planned_says_its_threads_where_llama_cpp_would_start_too_many(self):
        four = {f"sys/devices/system/cpu/cpu{i}/topology/{name}": f"{i}\n" for i in range(4)
                for name in ("core_cpus_list", "thread_siblings_list")}
        cpus = "".join(f"processor\t: {i}\n\n" for i in range(4))
        env = self.kernel({**four, "proc/cpuinfo": cpus, "proc/self/status": "Cpus_allowed_list:\t1-2\n",
                           "proc/meminfo": "MemTotal: 16000000 kB\nMemAvailable: 12000000 kB\n"})
        model = self.synth()
        self.assertEqual(self.exported_threads(model, env), 2)

    # ---- R47: who else uses it

    def test_busy_loops_for_part_of_a_run_are_seen_waited_for_and_named(self):
        model = self.synth("model.gguf", *MODEL)
        with busy_loops(2 * CORES) as end:
            run = self.start_sweetspot("profile", model, *LONGER, "-o", "run.json", env=NO_DEVICES,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + 90
            while time.monotonic() < deadline and run.poll() is None:
                with contextlib.suppress(OSError, ValueError):
                    if self.run_file()["results"]:
                        break
                time.sleep(0.02)
            end()
            out, err = run.communicate(timeout=100)
        result = self.run_file()
        self.assertIn(run.returncode, (0, EXIT_NOTHING), err)
        before_the_table = out.split("tok/s")[0]
        self.assertEqual(before_the_table.count("The processor is busy"), 1, out)
        first = result["results"][0]
        self.assertEqual(first["disturbances"], ["contended"], first["notes"])
        self.assertEqual(first["contended_for"], ["processor"])
        self.assertGreater(first["processor_wait_percent"], 10)
        self.assertGreater(first["processor_pressure_percent"] or 100, 10)
        # The trial itself need not be on the screen: it was made anew.
        self.assertIn("marked as contended", " ".join(out.split()))
        # All others are held against it: it is measured anew before anything is concluded.
        anew = result["results"][1]
        self.assertEqual(anew["layers"], 0)
        self.assertIn("anew", anew["reason"])
        for row in result["results"]:
            self.assertNotIn("spilled", row["disturbances"])
        if not anew["disturbances"] and not anew["too_uncertain"]:
            self.assertEqual(run.returncode, 0)
            self.assertGreater(anew["generation"]["tokens_per_second"],
                               first["generation"]["tokens_per_second"])

    def scripted(self, *arguments, **script):
        script = {"devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8 * GIB, "free_bytes": 7 * GIB}],
                  "model": {"layers": 22}, "starts_file": str(self.folder / "starts"),
                  "speed": {"cpu_ms": 10, "gpu_ms": 5, "noise": 0.1, "real_time": True}, **script}
        return self.run_sweetspot(
            "profile", "m.gguf", "-o", "run.json", "--max-seconds", "1", "-p", "0", *arguments,
            env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER), "SWEETSPOT_SCRIPT": json.dumps(script),
                 **self.kernel({"proc/loadavg": "0\n"})})

    def test_a_reference_measured_beside_a_neighbour_is_measured_again_when_it_has_gone(self):
        # The second start is the first trial; the first only reads the header.
        done = self.scripted("--layers", "0,12,23", starved={"starts": [2], "share": 0.85})
        self.assertEqual(done.returncode, 0, done.stderr)
        run = self.run_file()
        first, *others, anew = run["results"]
        self.assertEqual(first["contended_for"], ["processor"])
        self.assertGreater(first["processor_wait_percent"], 30)
        self.assertEqual(sum("measured again" in note for note in first["notes"]), 2, first["notes"])
        self.assertEqual([row["layers"] for row in others], [0, 12, 23], "0 layers beside the device are none")
        self.assertEqual(anew["config"]["devices"], ["none"])
        self.assertEqual((anew["layers"], anew["disturbances"]), (0, []))
        # 10 ms on the CPU, 5 ms on the device: twice as fast, not thirteen times.
        self.assertAlmostEqual(run["analysis"]["speed_up_over_cpu"], 2, delta=0.3)
        fallback = [one for one in run["profiles"] if one["name"] == "cpu_fallback"][0]
        self.assertEqual(fallback["result"], 4)

    def test_where_the_neighbour_stays_the_reference_says_so_and_nothing_is_multiplied(self):
        done = self.scripted("--layers", "0,23", "--details", starved={"starts": [2, 5], "share": 0.85})
        self.assertEqual(done.returncode, 0, done.stderr)
        run = self.run_file()
        self.assertEqual([row["layers"] for row in run["results"]], [0, 0, 23, 0])
        self.assertIsNone(run["analysis"]["speed_up_over_cpu"])
        self.assertIn("other programs", run["analysis"]["absent"]["speed_up_over_cpu"])
        self.assertIn("contended, processor: other programs used the processor meanwhile", done.stdout.replace("\n  ", " "))

    def test_starved_rows_are_never_called_spilled(self):
        done = self.scripted("--layers", "12,20,23", starved={"starts": [4], "share": 0.85},
                             speed={"cpu_ms": 10, "gpu_ms": 5, "noise": 0.05, "real_time": True},
                             model={"layers": 22, "bytes_per_layer": 300_000_000})
        run = self.run_file()
        last = run["results"][-1]
        self.assertEqual(last["layers"], 23)
        self.assertGreater(last["vram_percent"], 60)
        self.assertLess(last["generation"]["tokens_per_second"],
                        run["results"][0]["generation"]["tokens_per_second"] / 3)
        self.assertEqual(last["disturbances"], ["contended"], done.stdout)

    def test_a_device_that_computes_on_these_processors_is_no_neighbour(self):
        """ggml's RPC server on loopback makes the worker wait for a processor: so does the demo's device."""
        for address, disturbances in (("127.0.0.1:50052", []), ("192.0.2.1:50052", ["contended"])):
            with self.subTest(address):
                (self.folder / "starts").unlink(missing_ok=True)
                device = {"id": "RPC0", "type": "gpu", "backend": "RPC", "description": address,
                          "total_bytes": 8 * GIB, "free_bytes": 7 * GIB}
                done = self.scripted("--layers", "12", devices=[device], starved={"starts": [2], "share": 0.85})
                self.assertEqual(done.returncode, 0, done.stderr)
                row = next(row for row in self.run_file()["results"] if row["layers"] == 12)
                self.assertEqual(row["disturbances"], disturbances, row["notes"])

    # ---- R49: no verdict from noise

    def test_speeds_that_are_too_uncertain_decide_nothing_and_stay_in_the_file(self):
        noise = {"cpu_ms": 60, "gpu_ms": 40, "noise": 2.5, "real_time": False}
        done = self.scripted("--layers", "0,12,23", speed=noise)
        self.assert_clear_sentence(done, EXIT_NOTHING, "too uncertain", "--max-seconds", "run.json")
        run = self.run_file()
        self.assertGreaterEqual(len(run["results"]), 3)
        for row in run["results"]:
            self.assertEqual(row["status"], "measured")
            self.assertTrue(row["too_uncertain"])
            self.assertGreater(row["generation"]["samples"], 1)
        self.assertIsNone(run["analysis"]["optimum"])
        self.assertTrue(all(one["result"] is None for one in run["profiles"]))
        self.assertIn("too uncertain", done.stdout)
        self.assertFalse(list((self.folder / "data").rglob("*.json")), "nothing is stored")


if __name__ == "__main__":
    unittest.main()
