"""Everything a user can get wrong: one clear sentence, the documented exit code, nothing lost."""

import json
import os
import re
import socket
import threading
import unittest

from harness import (EXIT_DEVICE, EXIT_MODEL, EXIT_NOTHING, EXIT_USAGE, FAST, TINY, SystemTest,
                     fill_tensors_with_nan, free_port, patch_bytes, patch_u32, write_gguf)


class ModelFiles(SystemTest):
    def test_a_folder_of_backends_in_which_there_is_none(self):
        done = self.run_sweetspot("devices", env={"SWEETSPOT_GGML_BACKENDS_DIR": str(self.folder)})
        self.assertIn(f"ggml found no backend in {self.folder}", done.stderr)
        self.assertNotEqual(done.returncode, 0)

    def test_missing_file(self):
        done = self.run_sweetspot("profile", "no-such.gguf", "--quick")
        self.assert_clear_sentence(done, EXIT_MODEL, "no-such.gguf")

    def test_directory(self):
        done = self.run_sweetspot("profile", self.folder, "--quick")
        self.assert_clear_sentence(done, EXIT_MODEL, str(self.folder), "director")

    def test_empty_file(self):
        (self.folder / "empty.gguf").touch()
        done = self.run_sweetspot("profile", "empty.gguf", "--quick")
        self.assert_clear_sentence(done, EXIT_MODEL, "empty.gguf")

    def test_not_a_gguf(self):
        (self.folder / "text.gguf").write_text("hello, this is not a model\n" * 100)
        done = self.run_sweetspot("profile", "text.gguf", "--quick")
        self.assert_clear_sentence(done, EXIT_MODEL, "text.gguf", "GGUF")

    def test_truncated_at_five_places(self):
        model = self.synth()
        whole = model.read_bytes()
        header_end = whole.index(b"output_norm.weight")
        for size in (3, 40, header_end, len(whole) // 2, len(whole) - 1):
            with self.subTest(size=size):
                cut = self.folder / f"cut-{size}.gguf"
                cut.write_bytes(whole[:size])
                done = self.run_sweetspot("profile", cut, "--quick", *FAST)
                self.assert_clear_sentence(done, EXIT_MODEL, cut.name)

    def test_a_file_that_ends_before_its_last_tensor(self):
        """llama.cpp finds this when it loads; who only reads the header has to look."""
        model = self.synth()
        whole = model.stat().st_size
        self.assertEqual(self.run_sweetspot("inspect", model).returncode, 0)
        cut = whole - 64  # the last tensor is followed by less than that
        os.truncate(model, cut)
        done = self.run_sweetspot("inspect", model)
        self.assert_clear_sentence(done, EXIT_MODEL, model.name, "the file is incomplete", "sweetspot plan")
        self.assertEqual(done.stdout, "")

    def test_unknown_architecture(self):
        model = self.synth()
        patch_bytes(model, b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0lxxma")
        done = self.run_sweetspot("profile", model, "--layers", "0", *FAST)
        self.assert_clear_sentence(done, EXIT_MODEL, "lxxma")

    def test_a_header_that_makes_llama_cpp_abort_is_a_row_with_its_class(self):
        model = self.synth()
        data = model.read_bytes()
        first = data.index(b"<0x41>")
        patch_bytes(model, b"<0x42>", data[first:first + 6])  # the same token twice
        done, run = self.profile(model, "--layers", "0,-1")
        self.assert_clear_sentence(done, EXIT_NOTHING)
        self.assertEqual({row["error"]["class"] for row in run["results"]}, {"crashed"})

    def damaged(self):
        """Headers that passed the reader and made llama.cpp abort, throw or refuse every setting."""
        for name, words, instead in (
                ("token-twice", b"<0x42>", b"<0x41>"),  # an assertion
                ("text-of-the-vocabulary", b"tokenizer.ggml.tokens", b"tokenizer.ggml.tokenz"),
                ("kind-of-the-vocabulary", b"tokenizer.ggml.token_type", b"tokenizer.ggml.token_typo"),
                ("name-of-a-tensor", b"blk.1.ffn_down.weight", b"blk.1.ffn_dowm.weight"),
                ("width", b"llama.embedding_length", b"llama.embedding_lengtg")):
            model = self.synth(name + ".gguf")
            patch_bytes(model, words, instead)
            yield name, model
        for name, value in (("llama.attention.head_count", 0), ("llama.attention.head_count_kv", 3),
                            ("llama.attention.key_length", 17), ("llama.embedding_length", 0)):
            model = self.synth(name + ".gguf")
            patch_u32(model, name, value)
            yield name, model
        # A token that says it is a byte and has no room for one: std::out_of_range in llama.cpp.
        model = self.synth("byte.gguf")
        data = model.read_bytes()
        types = data.index(b"tokenizer.ggml.token_type") + len("tokenizer.ggml.token_type") + 16
        at = types + 4 * 500  # of 512, the ones after the bytes
        model.write_bytes(data[:at] + (6).to_bytes(4, "little") + data[at + 4:])
        yield "byte", model
        # Types that are no numbers.
        model = self.synth("types.gguf")
        data = model.read_bytes()
        at = data.index(b"tokenizer.ggml.token_type") + len("tokenizer.ggml.token_type") + 4
        model.write_bytes(data[:at] + (6).to_bytes(4, "little") + data[at + 4:])
        yield "types", model

    def test_a_damaged_header_is_the_files_fault_and_no_settings(self):
        models = dict(self.damaged())
        harmless = {"kind-of-the-vocabulary"}
        for name, model in models.items():
            with self.subTest(damage=name):
                done = self.run_sweetspot("plan", model)
                if done.returncode == 0 and name in harmless:
                    continue
                said = self.assert_clear_sentence(done, EXIT_MODEL, model.name, "model file")
                self.assertNotIn("settings that it names", said)

    def test_what_is_the_settings_fault_stays_so(self):
        model = self.synth()
        done = self.run_sweetspot("plan", model, "-ctv", "q8_0", "-fa", "off")
        self.assert_clear_sentence(done, EXIT_USAGE, "flash_attn")

    def test_block_counts_no_model_has(self):
        for count in (0, 2**31 - 1):
            with self.subTest(count=count):
                model = self.synth(f"blocks-{count}.gguf")
                patch_u32(model, "llama.block_count", count)
                done = self.run_sweetspot("profile", model, "--quick", *FAST)
                self.assert_clear_sentence(done, EXIT_MODEL, model.name, "block")

    def test_nan_weights_are_never_a_speed(self):
        model = self.synth()
        fill_tensors_with_nan(model)
        done, run = self.profile(model, "--layers", "0")
        self.assert_clear_sentence(done, EXIT_MODEL, "NaN")
        self.assertEqual(run["results"][0]["error"]["class"], "non-finite-output")
        self.assertIsNone(run["results"][0]["generation"])

    def test_missing_split(self):
        first = self.folder / "model-00001-of-00002.gguf"
        write_gguf(first, {"general.architecture": "llama", "llama.block_count": 2,
                           "split.no": ("u16", 0), "split.count": ("u16", 2)})
        done = self.run_sweetspot("profile", first, "--quick", *FAST)
        self.assert_clear_sentence(done, EXIT_MODEL, "00002-of-00002")

    def test_a_path_that_is_not_utf8(self):
        name = b"bad-\xff.gguf"
        for command in (["profile"], ["inspect"]):
            done = self.run_sweetspot(*command, os.fsdecode(name))
            self.assert_clear_sentence(done, EXIT_USAGE, "bad-\\xff.gguf")

    def test_a_hostile_name_reaches_neither_terminal_nor_shell(self):
        name = "x\x1b[31m$(touch owned)`touch owned`"
        model = self.synth(name + ".gguf", "--name", name, "--blocks", "2", "--embd", "256", "--ff",
                           "256", "--heads", "2", "--kv-heads", "1", "--vocab", "400")
        done = self.run_sweetspot("profile", model, "--layers", "0", *FAST)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        shown = self.run_sweetspot("inspect", model)
        self.assertIn("\\x1b[31m", shown.stdout)
        self.assertFalse((self.folder / "owned").exists())
        results = [path.name for path in self.runs()]
        self.assertEqual(len(results), 1)
        self.assertRegex(results[0], r"^[A-Za-z0-9._-]+$")


    def test_what_inspect_shows_of_a_hostile_model(self):
        name = "x\x1b[31m\n\r\x07\x7f\u009b2J\u202etxet\u200b\"\\"
        model = self.synth("hostile.gguf", "--name", name, *TINY)
        done = self.run_sweetspot("inspect", model)
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in done.stdout.splitlines():
            self.assertTrue(line.isprintable(), ascii(line))
        shown = "x\\x1b[31m\\x0a\\x0d\\x07\\x7f\\u{009b}2J\\u{202e}txet\\u{200b}\"\\"
        self.assertRegex(done.stdout, "(?m)^name +" + re.escape(shown) + "$")
        done = self.run_sweetspot("inspect", model, "--json")
        self.assertTrue(done.stdout.isascii())
        self.assertTrue(done.stdout.replace("\n", "").isprintable())
        self.assertEqual(json.loads(done.stdout)["name"], name)

    def test_what_inspect_shows_of_a_hostile_architecture(self):
        for evil, shown in (("l\x1b[1m", "l\\x1b[1m"), ("l\u202ea", "l\\u{202e}a")):
            model = self.synth(f"{len(shown)}.gguf")
            size = b"\x05\0\0\0\0\0\0\0"
            patch_bytes(model, size + b"llama", size + evil.encode())
            done = self.run_sweetspot("inspect", model)
            self.assertIn(shown, done.stdout + done.stderr)
            self.assertTrue((done.stdout + done.stderr).replace("\n", "").isprintable())
            done = self.run_sweetspot("inspect", model, "--json")
            self.assertEqual(json.loads(done.stdout)["architecture"], evil)
            self.assertTrue(done.stdout.replace("\n", "").isprintable())


class Flags(SystemTest):
    def test_layers_that_are_no_numbers(self):
        for layers in ("abc", "", "5-", "1,,x", "-2"):
            with self.subTest(layers=layers):
                done = self.run_sweetspot("profile", "m.gguf", f"--layers={layers}")
                self.assert_clear_sentence(done, EXIT_USAGE, "--layers")

    def test_unknown_flag_and_missing_argument(self):
        self.assert_clear_sentence(self.run_sweetspot("profile", "m.gguf", "--no-such-flag"),
                                   EXIT_USAGE, "--no-such-flag")
        self.assert_clear_sentence(self.run_sweetspot("profile"), EXIT_USAGE)

    def test_values_out_of_range_name_their_flag(self):
        for flag, value in (("--ctx-size", "abc"), ("--cache-type-k", "q9"), ("--flash-attn", "si"),
                            ("--vram-limit", "lots"), ("--precision", "0"), ("--rpc", "nowhere"),
                            ("--max-seconds", "-1"), ("--host-reserve", "much"), ("--bands", "80,70,60")):
            with self.subTest(flag=flag):
                done = self.run_sweetspot("profile", "m.gguf", flag, value)
                self.assert_clear_sentence(done, EXIT_USAGE, flag)

    def test_a_size_without_a_unit_is_refused_wherever_a_size_is_taken(self):
        taken = 0
        for command in ("profile", "tune", "plan", "choose", "launch"):
            shown = self.run_sweetspot(command, "--help").stdout
            for flag in re.findall(r"(--[a-z-]+) SIZE", shown):
                taken += 1
                with self.subTest(command=command, flag=flag):
                    done = self.run_sweetspot(command, self.folder / "m.gguf", flag, "6144")
                    self.assert_clear_sentence(done, EXIT_USAGE, flag, "6144MiB", "6144B")
        self.assertGreaterEqual(taken, 9)

    def test_quick_and_full_exclude_each_other(self):
        done = self.run_sweetspot("profile", "m.gguf", "--quick", "--full")
        self.assert_clear_sentence(done, EXIT_USAGE, "--quick")

    def test_a_context_beyond_training_needs_a_flag(self):
        model = self.synth()
        done = self.run_sweetspot("profile", model, "-c", "2000000000", "--layers", "0")
        self.assert_clear_sentence(done, EXIT_USAGE, "--ctx-size 2000000000", "4096")

    def test_a_context_that_eats_all_memory_is_a_row_and_the_machine_survives(self):
        model = self.synth()
        # 1 GiB may be taken: the worker is ended there instead of at the machine's last 5 %.
        reserve = available_host_bytes() - (1 << 30)
        done, run = self.profile(model, "-c", "2000000000", "--allow-untrained-ctx", "--layers",
                                 "0", "--host-reserve", f"{reserve}B")
        self.assertEqual(done.returncode, EXIT_NOTHING, done.stderr)
        self.assertIn(run["results"][0]["error"]["class"],
                      ("out-of-host-memory", "config-rejected"))
        # What is taken here is given back; the slack is for the tests that run beside this one.
        self.assertGreater(available_host_bytes(), reserve - (2 << 30))

    def test_a_limit_of_cgroup_version_1_ends_a_worker_too(self):
        root = self.folder / "root"
        group = root / "sys/fs/cgroup/memory/docker/abc"
        group.mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/meminfo").write_text("MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n")
        (root / "proc/self/cgroup").write_text("4:memory:/docker/abc\n0::/\n")
        (group / "memory.limit_in_bytes").write_text(f"{1 << 30}\n")
        (group / "memory.usage_in_bytes").write_text(f"{900 << 20}\n")
        # 124 MiB are left of the group, less than the 256 MiB that must stay: not even a start.
        model = self.synth()
        done, _ = self.profile(model, "--layers", "0", env={"SWEETSPOT_SYSFS_ROOT": str(root)})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ran out of memory", done.stderr)
        (group / "memory.usage_in_bytes").write_text(f"{100 << 20}\n")
        done, run = self.profile(model, "--layers", "0", env={"SWEETSPOT_SYSFS_ROOT": str(root)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(run["machine"]["memory_available_bytes"], 924 << 20)

    def test_a_workload_that_does_not_fit_its_context(self):
        model = self.synth()
        done = self.run_sweetspot("profile", model, "-c", "128", "-p", "512", "--quick")
        self.assert_clear_sentence(done, EXIT_USAGE, "--ctx-size", "128")

    def test_unknown_worker(self):
        done = self.run_sweetspot("--worker", "/no/such/worker", "inspect", "m.gguf")
        self.assert_clear_sentence(done, EXIT_USAGE, "/no/such/worker")


class Devices(SystemTest):
    def test_unknown_device(self):
        model = self.synth()
        done = self.run_sweetspot("profile", model, "--device", "CUDA7", "--quick")
        self.assert_clear_sentence(done, EXIT_DEVICE, "CUDA7")

    def test_rpc_that_refuses(self):
        address = f"127.0.0.1:{free_port()}"
        done = self.run_sweetspot("profile", "m.gguf", "--rpc", address, "--quick")
        self.assert_clear_sentence(done, EXIT_DEVICE, address)

    def test_rpc_that_closes_talks_nonsense_or_stays_silent(self):
        for behaviour in (b"", b"HTTP/1.1 200 OK\r\n\r\n" * 50, None):
            with self.subTest(behaviour=behaviour), stub_server(behaviour) as address:
                done = self.run_sweetspot("profile", "m.gguf", "--rpc", address, "--quick",
                                          timeout=60)
                self.assert_clear_sentence(done, EXIT_DEVICE, address)

    def test_serving_the_network_needs_force(self):
        done = self.run_sweetspot("serve", "--listen", "0.0.0.0:50052")
        self.assert_clear_sentence(done, EXIT_USAGE, "--allow-remote")

    def test_serving_on_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.run_sweetspot("serve", "--listen", address)
        self.assert_clear_sentence(done, EXIT_DEVICE, str(taken and address.split(":")[1]))


def available_host_bytes():
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines
                    if line.startswith("MemAvailable"))


class stub_server:
    """Accepts, sends `reply` and closes; with None it stays silent for ever."""

    def __init__(self, reply):
        self.reply = reply
        self.open = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.reply is None:
                self.open.append(connection)
                continue
            try:
                connection.sendall(self.reply)
            except OSError:
                pass
            connection.close()

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()
        self.thread.join(5)


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
