"""`sweetspot plan` with the real programs: what it answers, what it refuses, what it leaves behind."""

import copy
import json
import shlex
import signal
import subprocess
import time
import unittest
import urllib.request

from harness import (EXIT_DEVICE, EXIT_INTERRUPTED, EXIT_MODEL, EXIT_NOTHING, EXIT_OUTPUT,
                     EXIT_USAGE, LLAMA_PROGRAMS, SCRIPTED_WORKER, SOURCE, SystemTest, free_port, patch_u32)
from validate_json import validator_for

HEADERS = SOURCE / "tests/fixtures/headers"
ZEPHYR = HEADERS / "zephyr-7b.gguf"
SERVER = LLAMA_PROGRAMS / "llama-server"
SPLITTER = LLAMA_PROGRAMS / "llama-gguf-split"
SCHEMA = SOURCE / "docs/formats/plan-1.schema.json"
SMALL = ["--contexts", "512"]


class PlanTest(SystemTest):
    def plan(self, model, *arguments):
        done = self.run_sweetspot("plan", model, "--json", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        (self.folder / "plan.json").write_text(done.stdout)
        checked = subprocess.run(["/usr/bin/python3", SOURCE / "tests/system/validate_json.py",
                                  SCHEMA, self.folder / "plan.json"], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        return json.loads(done.stdout)

    def refuse(self, exit_code, words, *arguments):
        done = self.run_sweetspot("plan", *arguments)
        self.assertEqual(done.stdout, "")
        return self.assert_clear_sentence(done, exit_code, *words)


class Answers(PlanTest):
    def test_a_card_that_is_not_here(self):
        plan = self.plan(ZEPHYR, "--vram-limit", "6GiB", "-c", "8192")
        self.assertEqual(len(plan["configs"]), 34 * 5)
        self.assertEqual(plan["wanted"]["layers"], 33)
        self.assertFalse(plan["wanted"]["fits"])
        self.assertGreater(plan["wanted"]["missing_bytes"], 0)
        self.assertEqual(plan["recommended"]["n_ctx"], 8192, "the context is what was asked for")
        self.assertEqual(plan["changes"][-1]["kind"], "cache-to-cpu", "the costliest is last")
        costs = [change["host_bytes_per_token"] for change in plan["changes"][:-1]]
        self.assertEqual(costs, sorted(costs))
        # Cells are filled in; the longest context of every class of cards is searched beside them.
        self.assertLess(plan["oracle"]["asked"], 1.5 * len(plan["configs"]))

    def test_a_machine_that_is_not_here(self):
        described = ["--vram-limit", "24GiB,8GiB", "--host-memory", "32GiB", "-c", "4096"]
        plan = self.plan(ZEPHYR, *SMALL, *described)
        cards = ["card 1 (24 GiB)", "card 2 (8 GiB)"]
        self.assertTrue(plan["stand_in"])
        self.assertEqual([device["id"] for device in plan["devices"]], cards)
        self.assertEqual([device["id"] for device in plan["wanted"]["devices"]], cards)
        self.assertEqual([budget["total_bytes"] >> 30 for budget in plan["budgets"]["devices"]],
                         [24, 8])
        self.assertAlmostEqual(plan["budgets"]["host_available_bytes"] / (1 << 30), 32 * 0.95, 2)
        self.assertEqual(plan["recommended"]["tensor_split"], [24, 8])
        shown = self.run_sweetspot("plan", ZEPHYR, *SMALL, *described, "--details")
        self.assertNotIn("RPC0", shown.stdout)
        for words in (*cards, "30.40 GiB (of 32.00 GiB, 1.60 GiB left to the system)"):
            self.assertIn(words, shown.stdout)
        flags = shlex.split(self.run_sweetspot("plan", ZEPHYR, *SMALL, *described,
                                               "--flags").stdout)
        self.assertEqual(flags[flags.index("--tensor-split") + 1], "24,8")
        self.assertNotIn("--rpc", flags)
        self.assertNotIn("--device", flags)
        # Two devices that are here, told the same split, take the same.
        with self.rpc_server() as one, self.rpc_server() as other:
            real = self.plan(ZEPHYR, *SMALL, "-c", "4096", "--rpc", f"{one},{other}", "-ts", "24,8")
        for planned, there in zip(plan["wanted"]["devices"], real["wanted"]["devices"], strict=True):
            self.assertEqual({**planned, "id": 0}, {**there, "id": 0})

    def test_a_host_is_judged_whatever_the_cards_are(self):
        # No processor's backend repacks f32, so it stays mapped.
        model = self.synth("host.gguf", "--blocks", "8", "--embd", "512", "--ff", "2048", "--heads",
                           "8", "--kv-heads", "4", "--vocab", "8192", "--type", "f32")
        size = model.stat().st_size
        limit = ["--vram-limit", "8GiB", "-ngl", "0", *SMALL, "-c", "512", "--host-reserve", "1MiB"]
        here = self.plan(model, *limit)
        self.assertIsNotNone(here["budgets"]["host_available_bytes"], "this machine's, unless told")
        self.assertTrue(any("--host-memory" in notice for notice in here["notices"]))
        small = [*limit, "--host-memory", f"{size // 2}B"]
        private = self.plan(model, *small, "-lm", "none")
        self.assertFalse(private["wanted"]["fits"])
        self.assertGreater(private["wanted"]["host_missing_bytes"], size // 3)
        mapped = self.plan(model, *small)
        self.assertTrue(mapped["wanted"]["fits"])
        self.assertGreater(mapped["wanted"]["host_reread_bytes"], size // 3)
        self.assertEqual(mapped["recommended"]["cache_ram_mib"], 0, "there is no room for one")
        self.assertIn("read from it again", " ".join(
            self.run_sweetspot("plan", model, *small, "--details").stdout.split()))

    def test_the_flags_have_what_the_host_has_room_for(self):
        flags = shlex.split(self.run_sweetspot(
            "plan", ZEPHYR, *SMALL, "-c", "4096", "--vram-limit", "24GiB", "--host-memory", "4GiB",
            "--flags").stdout)
        plan = self.plan(ZEPHYR, *SMALL, "-c", "4096", "--vram-limit", "24GiB", "--host-memory",
                         "4GiB")
        ram = int(flags[flags.index("--cache-ram") + 1])
        room = plan["server"]["room_bytes"] >> 20
        self.assertTrue(room - 128 < ram <= room, (ram, room))
        asked = self.plan(ZEPHYR, *SMALL, "-c", "4096", "--vram-limit", "24GiB", "--host-memory",
                          "4GiB", "--cache-ram", "6000")
        self.assertEqual(asked["recommended"]["cache_ram_mib"], 6000, "a wish stays")

    def test_the_classes_say_what_a_card_of_that_size_says(self):
        plan = self.plan(ZEPHYR, *SMALL, "--vram-limit", "12GiB")
        of_class = {each["vram_gib"]: each["all_layers_n_ctx"] for each in plan["classes"]}
        self.assertEqual(of_class[12], plan["answers"]["largest_n_ctx"])
        self.assertEqual(of_class[80], 32768, "all that it was trained for, whatever the columns")

    def test_sizes_for_another_number_of_devices_are_refused(self):
        with self.rpc_server() as address:
            self.refuse(EXIT_USAGE, ["--vram-limit", "2 sizes for 1 device"], ZEPHYR, "--rpc",
                        address, "--vram-limit", "8GiB,8GiB")

    def test_largest_answers_are_the_edge(self):
        plan = self.plan(ZEPHYR, "--vram-limit", "6GiB", "-c", "4096", "--contexts", "4096,8192")
        for answer in plan["answers"]["largest_layers"]:
            fits = [c["layers"] for c in plan["configs"] if c["n_ctx"] == answer["n_ctx"]
                    and c["fits"]]
            self.assertEqual(answer["layers"], max(fits))
        n_ctx = plan["answers"]["largest_n_ctx"]
        inside = self.plan(ZEPHYR, "--vram-limit", "6GiB", "-c", n_ctx, "--contexts", n_ctx)
        beyond = self.plan(ZEPHYR, "--vram-limit", "6GiB", "-c", n_ctx + 256, "--contexts",
                           n_ctx + 256)
        self.assertEqual((inside["wanted"]["fits"], beyond["wanted"]["fits"]), (True, False))

    def test_every_change_really_makes_it_fit(self):
        limit = ["--vram-limit", "6GiB", "--contexts", "8192"]
        names = {"n_ubatch": "-ub", "type_k": "-ctk", "type_v": "-ctv", "flash_attn": "-fa",
                 "n_ctx": "-c", "n_gpu_layers": "-ngl", "n_cpu_ffn": "-ncffn"}
        for change in self.plan(ZEPHYR, *limit, "-c", "8192")["changes"]:
            with self.subTest(kind=change["kind"]):
                flags = [word for name, flag in names.items()
                         for word in (flag, change["config"][name])]
                flags += [] if change["config"]["kv_offload"] else ["-nkvo"]
                self.assertTrue(self.plan(ZEPHYR, *limit, *flags)["wanted"]["fits"])

    def test_without_a_device_or_a_size_nothing_is_judged(self):
        plan = self.plan(ZEPHYR, *SMALL)
        if not plan["stand_in"]:
            self.skipTest("this machine has a GPU")
        self.assertIsNone(plan["budgets"])
        self.assertIsNone(plan["wanted"]["fits"])
        self.assertEqual(len(plan["classes"]), 9)

    def test_cache_types_and_what_is_refused_in_some_cells(self):
        plan = self.plan(ZEPHYR, *SMALL, "-fa", "off", "--cache-types", "f16,q8_0",
                         "--vram-limit", "8GiB")
        problems = {config["type_v"]: config["problem"] for config in plan["configs"]}
        self.assertIsNone(problems["f16"])
        self.assertIn("flash", problems["q8_0"])
        self.assertIsNone(plan["answers"]["largest_layers"][1]["layers"])

    def test_on_a_device_its_own_memory_is_the_budget(self):
        with self.rpc_server() as address:
            plan = self.plan(ZEPHYR, *SMALL, "--rpc", address, "--vram-percent", "100")
        self.assertFalse(plan["stand_in"])
        budget = plan["budgets"]["devices"][0]
        self.assertEqual(budget["budget_bytes"], budget["free_bytes"])
        self.assertIsNotNone(plan["budgets"]["host_available_bytes"])

    def test_two_devices_share_the_layers_as_they_are_told(self):
        with self.rpc_server() as one, self.rpc_server() as other:
            plan = self.plan(ZEPHYR, *SMALL, "--rpc", f"{one},{other}", "-ts", "3,1")
            bytes_on = [device["model_bytes"] for device in plan["wanted"]["devices"]]
            self.assertEqual(len(bytes_on), 2)
            self.assertGreater(bytes_on[0], 2 * bytes_on[1])
            self.refuse(EXIT_USAGE, ["--tensor-split", "3", "2 devices"], ZEPHYR, "--rpc",
                        f"{one},{other}", "-ts", "1,1,1")

    def test_a_partial_download_gives_the_plan_of_the_whole_file(self):
        model = self.synth("whole.gguf", "--blocks", "4", "--embd", "512", "--ff", "2048",
                           "--heads", "8", "--kv-heads", "4", "--vocab", "4096")
        part = self.folder / "part.gguf"
        part.write_bytes(model.read_bytes()[:1 << 20])
        self.assertGreater(model.stat().st_size, 2 << 20)
        whole, partial = (self.plan(path, "--vram-limit", "1GiB") for path in (model, part))
        for name in ("wanted", "configs", "answers", "changes", "recommended", "classes"):
            self.assertEqual(whole[name], partial[name], name)

    @unittest.skipUnless(SPLITTER.exists(), "llama-gguf-split is only where the private prefix is")
    def test_the_beginnings_of_all_splits_give_the_plan_of_the_whole_file(self):
        model = self.synth("whole.gguf", "--blocks", "6", "--embd", "512", "--ff", "2048",
                           "--heads", "8", "--kv-heads", "4", "--vocab", "4096")
        subprocess.run([SPLITTER, "--split", "--split-max-tensors", "20", model,
                        self.folder / "part"], check=True, capture_output=True)
        parts = sorted(self.folder.glob("part-*.gguf"))
        self.assertEqual(len(parts), 3)
        for part in parts:
            part.write_bytes(part.read_bytes()[:400_000])
        whole, split = (self.plan(path, *SMALL, "--vram-limit", "1GiB")
                        for path in (model, parts[0]))
        self.assertEqual(whole["configs"], split["configs"])
        self.refuse(EXIT_MODEL, ["name the first"], parts[1])
        parts[1].unlink()
        self.refuse(EXIT_MODEL, [parts[1].name], parts[0])

    def test_two_plans_at_once(self):
        both = [self.start_sweetspot("plan", ZEPHYR, *SMALL, "--json", stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE) for _ in range(2)]
        plans = [json.loads(running.communicate(timeout=120)[0]) for running in both]
        self.assertEqual([running.returncode for running in both], [0, 0])
        self.assertEqual(plans[0]["configs"], plans[1]["configs"])

    def test_the_table_for_people(self):
        asked = ["plan", ZEPHYR, "--vram-limit", "6GiB", "-c", "8192"]
        done = self.run_sweetspot(*asked)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual(len(done.stdout.splitlines()), 24, done.stdout)
        self.assertIn("all 33 layers with 8192 tokens of context do not fit", done.stdout.splitlines()[0])
        for words in ("To make it fit", "you give up", "Most layers by context", "  llama-server -m"):
            self.assertIn(words, done.stdout)
        done = self.run_sweetspot(*asked, "--details")
        for words in ("it does not fit", "What makes it fit", "Layers by card", "  fits "):
            self.assertIn(words, done.stdout)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertTrue(all(len(line) <= 100 for line in done.stdout.splitlines()), done.stdout)


def objects(document, path=()):
    """Every object of the document with the steps that lead to it."""
    if isinstance(document, dict):
        yield path, document
    if isinstance(document, (dict, list)):
        for step, value in document.items() if isinstance(document, dict) else enumerate(document):
            yield from objects(value, (*path, step))


class Schema(PlanTest):
    def test_no_member_can_be_taken_away_or_added(self):
        plan = self.plan(ZEPHYR, *SMALL, "-ngl", "2", "--vram-limit", "500MiB")
        for name, kept in (("configs", 1), ("changes", 1), ("classes", 1)):
            plan[name] = plan[name][:kept]
        plan["model"]["layers"] = plan["model"]["layers"][:1]
        is_valid = validator_for(SCHEMA).is_valid
        self.assertTrue(is_valid(plan))
        for path, members in objects(plan):
            if path[-1:] == ("absent",):
                continue  # the readings it belongs to are tested with it
            for name in [*members, "a new one"]:
                bent = copy.deepcopy(plan)
                target = bent
                for step in path:
                    target = target[step]
                if name in members:
                    del target[name]
                else:
                    target[name] = 1
                self.assertFalse(is_valid(bent), f"{path} {name}")

    def test_without_a_budget_nobody_knows_what_fits(self):
        plan = self.plan(ZEPHYR, *SMALL, "--vram-limit", "8GiB")
        plan["budgets"] = None
        self.assertFalse(validator_for(SCHEMA).is_valid(plan))


class Refusals(PlanTest):
    def test_model_files(self):
        self.refuse(EXIT_MODEL, ["none.gguf"], "none.gguf")
        self.refuse(EXIT_MODEL, [str(self.folder)], self.folder)
        (self.folder / "text.gguf").write_text("hello, this is not a model\n" * 100)
        self.refuse(EXIT_MODEL, ["text.gguf", "GGUF"], "text.gguf")
        (self.folder / "empty.gguf").touch()
        self.refuse(EXIT_MODEL, ["empty.gguf"], "empty.gguf")

    def test_a_header_that_is_cut_anywhere(self):
        header = ZEPHYR.read_bytes()
        for size in (4, 20, 30, len(header) // 4, len(header) // 2, len(header) - 40):
            with self.subTest(size=size):
                cut = self.folder / f"cut-{size}.gguf"
                cut.write_bytes(header[:size])
                self.refuse(EXIT_MODEL, [cut.name], cut)

    def test_an_architecture_that_llama_cpp_does_not_know(self):
        model = self.folder / "odd.gguf"
        model.write_bytes(ZEPHYR.read_bytes().replace(b"\x05\0\0\0\0\0\0\0llama",
                                                      b"\x05\0\0\0\0\0\0\0lxxma", 1))
        self.refuse(EXIT_MODEL, ["lxxma"], model)

    def test_contexts(self):
        trained = self.plan(ZEPHYR, "-c", "0")  # as llama.cpp: what the model was trained for
        self.assertEqual(trained["wanted"]["n_ctx"], 32768)
        self.refuse(EXIT_USAGE, ["--ctx-size"], ZEPHYR, "-c", "-5")
        self.refuse(EXIT_USAGE, ["--ctx-size 40000", "32768"], ZEPHYR, "-c", "40000")
        self.refuse(EXIT_USAGE, ["--contexts 40000", "32768"], ZEPHYR, "--contexts", "512,40000")
        self.refuse(EXIT_USAGE, ["--ctx-size 2000000000", "longer"], ZEPHYR, "-c", "2000000000",
                    "--allow-untrained-ctx")
        plan = self.plan(ZEPHYR, "-c", "40000", "--contexts", "40000", "--allow-untrained-ctx")
        self.assertEqual(plan["wanted"]["n_ctx"], 40000)
        self.assertGreaterEqual(plan["wanted"]["n_ctx_effective"], 40000)

    def test_a_trained_context_that_nobody_can_have(self):
        model = self.folder / "long.gguf"
        model.write_bytes(ZEPHYR.read_bytes())
        patch_u32(model, "llama.context_length", 0x7FFFFFFF)
        self.refuse(EXIT_USAGE, ["--ctx-size 2000000000"], model, "-c", "2000000000")

    def test_more_sequences_than_tokens(self):
        self.refuse(EXIT_USAGE, ["--parallel 64", "--ctx-size"], ZEPHYR, "-np", "64", "-c", "32")
        self.refuse(EXIT_USAGE, ["--parallel"], ZEPHYR, "-np", "0")

    def test_a_cache_type_that_needs_flash_attention(self):
        said = self.refuse(EXIT_USAGE, ["V cache", "flash"], ZEPHYR, *SMALL, "-fa", "off", "-ctv",
                           "q8_0")
        self.assertNotIn("llama_init_from_model", said)

    def test_split_lists_and_devices(self):
        self.refuse(EXIT_USAGE, ["--tensor-split", "2 shares"], ZEPHYR, *SMALL, "-ts", "1,2")
        self.refuse(EXIT_USAGE, ["--main-gpu", "3"], ZEPHYR, *SMALL, "-mg", "3")
        self.refuse(EXIT_DEVICE, ["CUDA77"], ZEPHYR, *SMALL, "--device", "CUDA77")
        self.refuse(EXIT_DEVICE, ["127.0.0.1:1"], ZEPHYR, *SMALL, "--rpc", "127.0.0.1:1")

    def test_a_split_mode_that_the_device_does_not_have(self):
        with self.rpc_server() as address:
            self.refuse(EXIT_USAGE, ["RPC0", "split"], ZEPHYR, *SMALL, "--rpc", address, "-sm",
                        "row")

    def test_tensor_overrides(self):
        self.refuse(EXIT_USAGE, ["--override-tensor", "regular expression"], ZEPHYR, *SMALL, "-ot",
                    "[=CPU")
        self.refuse(EXIT_USAGE, ["--override-tensor", "NOPE", "CPU"], ZEPHYR, *SMALL, "-ot",
                    "blk=NOPE")
        self.refuse(EXIT_USAGE, ["--override-tensor"], ZEPHYR, *SMALL, "-ot", "blk")

    def test_budgets(self):
        self.refuse(EXIT_USAGE, ["--vram-limit"], ZEPHYR, "--vram-limit", "lots")
        self.refuse(EXIT_USAGE, ["--vram-percent"], ZEPHYR, "--vram-percent", "101")
        self.refuse(EXIT_USAGE, ["--reserve"], ZEPHYR, "--reserve", "-1")

    def test_memory_that_no_device_can_have(self):
        for total, free in ((0, 0), (1 << 30, 1 << 31), ((1 << 64) - 1, (1 << 64) - 1)):
            with self.subTest(total=total, free=free):
                script = {"devices": [{"id": "GPU0", "total_bytes": total, "free_bytes": free}]}
                done = self.run_sweetspot(
                    "plan", ZEPHYR, "--vram-percent", "100",
                    env={"SWEETSPOT_WORKER": str(SCRIPTED_WORKER),
                         "SWEETSPOT_SCRIPT": json.dumps(script)})
                self.assert_clear_sentence(done, EXIT_DEVICE, "GPU0", "--vram-limit")

    def test_flags_where_nothing_fits(self):
        # The weights do not fit the device, and the cache of two million tokens no host.
        with self.rpc_server() as address:
            self.refuse(EXIT_NOTHING, ["no single change"], HEADERS / "llama-2-70b.gguf",
                        "--contexts", "512", "-c", "2097152", "--allow-untrained-ctx", "--flags",
                        "--rpc", address, "--vram-limit", "1MiB")


class Output(PlanTest):
    def test_a_full_disk_is_said(self):
        for form in ([], ["--json"], ["--flags"]):
            with self.subTest(form=form), open("/dev/full", "w") as full:
                running = self.start_sweetspot("plan", ZEPHYR, *SMALL, "--vram-limit", "8GiB",
                                               *form, stdout=full, stderr=subprocess.PIPE,
                                               text=True)
                stderr = running.communicate(timeout=60)[1]
                self.assertEqual(running.returncode, EXIT_OUTPUT, stderr)
                self.assertEqual(stderr.count("sweetspot: "), 1, stderr)

    def test_a_reader_that_has_read_enough_is_no_error(self):
        running = self.start_sweetspot("plan", ZEPHYR, "--json", stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE)
        running.stdout.readline()
        running.stdout.close()
        stderr = running.stderr.read()
        self.assertEqual((running.wait(timeout=60), stderr), (0, b""))
        running.stderr.close()


class Interrupts(PlanTest):
    def test_ctrl_c_ends_it_and_leaves_nothing(self):
        # Millions of tokens take llama.cpp some time even where it allocates nothing.
        running = self.start_sweetspot("plan", HEADERS / "llama-2-70b.gguf", "--contexts",
                                       "4096,8388608", "--allow-untrained-ctx", "--vram-limit",
                                       "24GiB", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True)
        deadline = time.monotonic() + 30
        while len(self.left_running()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(1)
        self.assertIsNone(running.poll(), "it is still at work")
        asked = time.monotonic()
        running.send_signal(signal.SIGINT)
        stdout, stderr = running.communicate(timeout=20)
        self.assertLess(time.monotonic() - asked, 2)
        self.assertEqual(running.returncode, EXIT_INTERRUPTED, stderr)
        self.assertEqual(stdout, "")
        self.assertEqual(stderr.count("sweetspot: "), 1, stderr)


class Flags(PlanTest):
    def flags(self, *arguments):
        done = self.run_sweetspot("plan", *arguments, "--flags")
        self.assertEqual(done.returncode, 0, done.stderr)
        return shlex.split(done.stdout)

    def test_are_one_line_with_everything_that_decides_memory(self):
        flags = self.flags(ZEPHYR, "--contexts", "8192", "-c", "8192", "--vram-limit", "6GiB")
        for flag in ("--model", "--n-gpu-layers", "--ctx-size", "--batch-size", "--ubatch-size",
                     "--parallel", "--cache-type-k", "--fit"):
            self.assertIn(flag, flags)
        self.assertEqual(flags[flags.index("--ctx-size") + 1], "8192")

    def test_need_a_size_or_a_device(self):
        if self.plan(ZEPHYR, *SMALL)["stand_in"]:
            self.refuse(EXIT_NOTHING, ["--vram-limit"], ZEPHYR, *SMALL, "--flags")

    def test_a_path_with_blanks_and_quotes_survives(self):
        model = self.folder / "it's a model.gguf"
        model.write_bytes(ZEPHYR.read_bytes())
        flags = self.flags(model, *SMALL, "--vram-limit", "8GiB")
        self.assertEqual(flags[flags.index("--model") + 1], str(model))

    @unittest.skipUnless(SERVER.exists(), "llama-server is only where the private prefix is")
    def test_name_the_servers_that_the_devices_are_on(self):
        model = self.synth()
        with self.rpc_server() as first, self.rpc_server() as second:
            flags = self.flags(model, *SMALL, "--rpc", f"{first},{second}", "--device", "RPC1")
            self.assertEqual(flags[flags.index("--rpc") + 1], f"{first},{second}")
            # It looks devices up while it reads its flags.
            done = subprocess.run([SERVER, *flags, "--version"], capture_output=True, text=True,
                                  env=self.environment(), timeout=60)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @unittest.skipUnless(SERVER.exists(), "llama-server is only where the private prefix is")
    def test_llama_server_takes_them(self):
        model = self.synth()
        flags = self.flags(model, "-c", "512", "--contexts", "512", "-ctk", "q8_0", "-ctv", "q8_0",
                           "-fa", "on", "-np", "2", "-ncffn", "1", "-ot", "output=CPU",
                           "--vram-limit", "6GiB", "--load-mode", "none", "-t", "1", "-kvu")
        port = free_port()
        log = (self.folder / "server.log").open("wb")
        self.addCleanup(log.close)
        server = subprocess.Popen([SERVER, *flags, "--host", "127.0.0.1", "--port", str(port)],
                                  stdout=log, stderr=log, env=self.environment())
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            self.assertIsNone(server.poll(), (self.folder / "server.log").read_text()[-2000:])
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
