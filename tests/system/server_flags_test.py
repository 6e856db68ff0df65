"""Every flag that llama-server's own --help lists: a command honours it or refuses it by its name, and after
`launch --` it changes no memory or is said not to be in the figures. The judge is the llama-server that is here."""

import json
import re
import subprocess
import time
import unittest

from harness import EXIT_DEVICE, EXIT_MODEL, EXIT_USAGE, LLAMA_PROGRAMS, SOURCE, TINY, SystemTest, free_port

SERVER = LLAMA_PROGRAMS / "llama-server"
MIXTRAL = SOURCE / "tests/fixtures/headers/mixtral-8x7b.gguf"
ZEPHYR = SOURCE / "tests/fixtures/headers/zephyr-7b.gguf"
SMALL_PLAN = ["--contexts", "2048", "--vram-limit", "80GiB"]
# A value that each flag which a command honours takes; of all others the name alone is refused.
VALUES = {"--threads": "2", "--threads-batch": "2", "--ctx-size": "0", "--n-predict": "8", "--batch-size": "64",
          "--ubatch-size": "64", "--flash-attn": "enabled", "--cache-type-k": "q8_0", "--cache-type-v": "q8_0",
          "--rpc": "127.0.0.1:1", "--load-mode": "mmap", "--device": "none", "--override-tensor": "x=CPU",
          "--n-cpu-moe": "1", "--n-cpu-ffn": "1", "--n-gpu-layers": "auto", "--split-mode": "row",
          "--tensor-split": "3/1", "--main-gpu": "0", "--fit": "off", "--parallel": "-1", "--model": "no-such.gguf",
          "--cache-ram": "0", "--swa-checkpoints": "1", "--pooling": "mean"}
# Values with which llama-server starts, of flags that take no memory; "1" serves the others.
SERVED = {"--cpu-mask": "1", "--cpu-range": "0-0", "--cpu-mask-batch": "1", "--cpu-range-batch": "0-0",
          "--prio": "0", "--prio-batch": "0", "--numa": "distribute", "--samplers": "top_k",
          "--sampling-seq": "k", "--logit-bias": "1+1", "--grammar": 'root ::= "a"', "--json-schema": "{}",
          "--reverse-prompt": "x", "--rope-scaling": "none", "--chat-template-kwargs": "{}",
          "--reasoning-format": "none", "--reasoning": "off", "--reasoning-effort": "low", "--chat-template": "chatml",
          "--log-colors": "off", "--ui-config": "{}", "--webui-config": "{}", "--verbosity": "4", "--log-verbosity": "4",
          "--reasoning-budget-message": "x", "--yarn-orig-ctx": "0", "--yarn-ext-factor": "-1", "--rope-scale": "1",
          "--rope-freq-base": "10000", "--rope-freq-scale": "1", "--draft-p-split": "0.1", "--draft-p-min": "0.5",
          "--spec-draft-sampling": "greedy", "--spec-synth-len": None, "--spec-synth-rates": None,
          "--cpu-range-draft": "0-0", "--cache-type-k": "f16",
          "--cache-type-v": "f16", "--load-mode": "auto", "--split-mode": "layer", "--flash-attn": "auto",
          "--device": None, "--override-tensor": None, "--pooling": None, "--rpc": None, "--tools": None, "--tools-runtime": None, "--api-prefix": "/x"}
# Ends the program, needs a file or a network, is gone, or is this test's own.
NOT_SERVED = ("--help", "--usage", "--version", "--cache-list", "--completion-bash", "--list-devices", "--host",
              "--port", "--log-file", "--log-disable", "--log-jsonl", "--reuse-port", "--agent", "--offline")
NO_FILES = ("PATH", "FNAME", "FILE", "DIR", "JINJA_TEMPLATE_FILE")


class Flag:
    def __init__(self, names, metavar):
        self.names, self.metavar, self.variable, self.removed = names, metavar, "", False
        self.name = names[-1] if names[-1].startswith("--") else next(n for n in names if n.startswith("--"))
        self.values = {"": 0, "START END": 2}.get(metavar, 1)


def read_help():
    text = subprocess.run([SERVER, "--help"], capture_output=True, text=True, check=True).stdout
    flags = []
    for line in text.splitlines():
        head = re.match(r"((?:-{1,2}[A-Za-z0-9][\w.-]*,\s+)*-{1,2}[A-Za-z0-9][\w.-]*)(?: (\S.*?))?(?:\s{2,}.*)?$", line)
        if head and not line.startswith("-----"):
            flags.append(Flag(re.split(r",\s+", head[1]), head[2] or ""))
        if flags:
            flags[-1].removed |= "the argument has been removed" in line
            variable = re.search(r"\(env: (\w+)\)", line)
            flags[-1].variable = variable[1] if variable else flags[-1].variable
    return flags


FLAGS = read_help() if SERVER.exists() else []


def read_tables():
    """Rows of our two tables: names, whether a value follows, variable."""
    rows = []
    source = (SOURCE / "src/core/server_flag_rows.cpp").read_text()
    for names, values, variable in re.findall(r'\{"(-[^"]+)",\s*(\d),\s*"(\w*)",', source):
        rows.append((names.split(","), int(values), variable))
    source = (SOURCE / "src/core/knobs.cpp").read_text()
    for names, variable, metavar in re.findall(r'"(-[^"]+)",\s*"(\w*)",\s*"([^"]*)",', source):
        rows.append((names.split(","), int(metavar != ""), variable))
    return rows


class Tables(unittest.TestCase):
    def test_hold_every_flag_of_the_help_as_it_is_there(self):
        self.assertGreater(len(FLAGS), 200)
        rows = read_tables()
        for flag in FLAGS:
            with self.subTest(flag=flag.name):
                mine = [row for row in rows if set(row[0]) & set(flag.names)]
                known = set().union(*(row[0] for row in mine))
                self.assertEqual(set(flag.names) - known, set())
                for _, values, variable in mine:
                    self.assertEqual(values, flag.values)
                self.assertIn(flag.variable, [variable for _, _, variable in mine])


class Commands(SystemTest):
    def test_honour_or_refuse_each_by_its_name(self):
        honoured = {}
        for command in ("plan", "profile", "tune"):
            honoured[command] = set()
            for flag in FLAGS:
                # As a user types it. That each spelling is the same flag is one table's doing, for all commands.
                value = [VALUES.get(flag.name, "1")] if flag.values else []
                for name in flag.names if command == "plan" else [flag.name]:
                    with self.subTest(command=command, flag=name):
                        if self.is_honoured(command, name, value):
                            honoured[command].add(flag.name)
        for command, names in honoured.items():
            expected = set(VALUES) | {"--cpu-moe", "--swa-full", "--no-kv-offload", "--no-kv-unified"}
            expected -= {"--n-predict"} if command == "plan" else set()
            self.assertEqual(expected - names, set(), command)

    def is_honoured(self, command, name, value):
        model = [] if name in ("-m", "--model") else ["no-such.gguf"]
        done = self.run_sweetspot(command, *model, name, *value)
        if done.returncode == 0:  # help, version
            self.assertRegex(name, r"^-h$|^--(help|usage|version)$")
            return True
        if done.returncode in (EXIT_MODEL, EXIT_DEVICE):
            words = "127.0.0.1:1" if done.returncode == EXIT_DEVICE else "no-such.gguf"
            self.assert_clear_sentence(done, done.returncode, words)
            return True
        sentence = self.assert_clear_sentence(done, EXIT_USAGE, f"{name}", "; ")
        self.assertRegex(sentence, rf"does not take {name}\b")
        return False

    def test_long_names_may_be_written_with_underscores(self):
        done = self.run_sweetspot("plan", "no-such.gguf", "--n_gpu_layers", "3", "--no_mmap")
        self.assert_clear_sentence(done, EXIT_MODEL, "no-such.gguf")

    def test_a_short_flag_is_never_read_as_another_with_a_value(self):
        for command in ("plan", "profile", "tune", "choose", "launch", "inspect", "devices"):
            for name in ("-cx", "-hf", "-tbd", "-cram2", "-dev2", "-nope"):
                with self.subTest(command=command, flag=name):
                    done = self.run_sweetspot(command, "no-such.gguf", name, "x/y")
                    self.assert_clear_sentence(done, EXIT_USAGE, name)

    def test_say_what_to_do_instead(self):
        for command, flag, words in (
                ("plan", "-hf", ["downloads no models", "download the file"]),
                ("profile", "--rope-scaling", ["RoPE", "--allow-untrained-ctx"]),
                ("plan", "--lora", ["adapters", "--reserve"]), ("tune", "--mmproj", ["projector", "--reserve"]),
                ("profile", "-md", ["drafting", "--reserve"]), ("plan", "--metrics", ["neither memory nor speed"]),
                ("launch", "--jinja", ["after `--`"]), ("launch", "-c", ["sweetspot profile MODEL -c", "after `--`"]),
                ("choose", "-ngl", ["sweetspot profile MODEL -ngl"])):
            with self.subTest(command=command, flag=flag):
                done = self.run_sweetspot(command, "m.gguf", flag, "1")
                self.assert_clear_sentence(done, EXIT_USAGE, flag, *words)
        done = self.run_sweetspot("tune", "m.gguf", "-ngl", "7")
        self.assert_clear_sentence(done, EXIT_USAGE, "--n-gpu-layers 7", "profile MODEL -ngl 7")


class Values(SystemTest):
    """What is honoured is taken with llama.cpp's values."""

    def config(self, *arguments, model=ZEPHYR):
        done = self.run_sweetspot("plan", "-m", model, *SMALL_PLAN, *arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["wanted"]

    def test_a_context_of_0_is_what_the_model_was_trained_for(self):
        self.assertEqual(self.config("-c", "0")["n_ctx"], 32768)

    def test_layers_by_llama_cpps_words(self):
        for words in (["-ngl", "all"], ["--gpu-layers", "auto"], ["--n_gpu_layers", "-1"], []):
            self.assertEqual(self.config(*words)["layers"], 33)

    def test_layers_on_auto_give_way_and_nothing_else_does(self):
        flags = {}
        for layers in ("all", "auto"):
            done = self.run_sweetspot("plan", ZEPHYR, "--contexts", "8192", "-c", "8192", "--vram-limit", "6GiB",
                                      "-ngl", layers, "--flags")
            self.assertEqual(done.returncode, 0, done.stderr)
            flags[layers] = done.stdout.split()
            self.assertIn("changed so that it fits: ", done.stderr)
        self.assertIn("--cache-type-k", flags["all"])
        self.assertNotIn("--cache-type-k", flags["auto"])
        layers = int(flags["auto"][flags["auto"].index("--n-gpu-layers") + 1])
        self.assertTrue(20 < layers < 33, layers)

    def test_shorthands(self):
        self.assertEqual(self.config("-cmoe", model=MIXTRAL)["n_cpu_moe"], 32)
        self.assertEqual(self.config("--cpu-moe", model=MIXTRAL)["n_cpu_moe"], 32)
        for flag, mode in (("--no-mmap", "none"), ("--mmap", "mmap"), ("--mlock", "mlock"), ("-dio", "dio")):
            self.assertEqual(self.config(flag)["load_mode"], mode)
        auto = self.config("-np", "-1")
        self.assertEqual((auto["n_parallel"], auto["kv_unified"]), (4, True))

    def test_what_an_export_says_can_be_given_back(self):
        arguments = [ZEPHYR, *SMALL_PLAN, "-ncffn", "2", "-ctk", "q8_0", "-fa", "1", "-nkvo", "-ot", "output=CPU"]
        first = self.run_sweetspot("plan", *arguments, "--flags")
        again = self.run_sweetspot("plan", *SMALL_PLAN, *first.stdout.split(), "--flags")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout, first.stdout)


class Launch(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.synth("tiny.gguf", *TINY, "--ctx-train", "8192")

    def launch(self, *arguments, env=None, code=0):
        done = self.run_sweetspot("launch", self.model, "--dry-run", "--", SERVER, *arguments, env=env)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def told(self, done):
        lines = [line for line in done.stderr.splitlines() if "memory" in line and "profile cpu" in line]
        self.assertLessEqual(len(lines), 1, done.stderr)
        return lines[0] if lines else ""

    def test_every_flag_is_known_and_its_value_is_no_flag(self):
        # A value that looks like a flag nobody knows shows where one is not taken as a value.
        words = [word for flag in FLAGS for name in flag.names
                 for word in (name, *("9" if name == "--port" else f"--value-of{name}",) * flag.values)]
        done = self.launch(*words)
        self.assertNotIn("is not known here", done.stderr)
        self.assertIn("is not known here", self.launch("--brand-new", "7").stderr)

    def test_what_changes_memory_is_said_not_to_be_counted(self):
        for words in (["-c", "131072", "-np", "8"], ["--mmproj", "p.gguf"], ["-md", "d.gguf"], ["--lora", "l"],
                      ["-ctk", "q8_0"], ["--no-mmap"], ["--swa_full"], ["-hf", "a/b"], ["-m", "other.gguf"],
                      ["--fit", "on"], ["--rpc", "127.0.0.1:1"], ["--no-host"], ["--embedding"]):
            with self.subTest(words=words):
                told = self.told(self.launch(*words))
                for word in words:
                    self.assertIn(word.replace("_", "-") if word.startswith("-") else word, told)
                self.assertIn("not in the figures", told)

    def test_what_changes_nothing_is_passed_on_without_a_word(self):
        for words in (["-fit", "off"], ["--alias", "-c"], ["--temp", "0.5"], ["--metrics"], ["-t", "1"],
                      ["--spec-type", "none"], ["--prio", "2"], ["-np", "1"], ["-m", str(self.model)]):
            with self.subTest(words=words):
                done = self.launch(*words)
                self.assertEqual(self.told(done), "", words)
                self.assertTrue(done.stdout.strip().endswith(" ".join(words)), done.stdout)

    def test_variables_count_where_no_flag_says_otherwise(self):
        told = self.told(self.launch(env={"LLAMA_ARG_CACHE_TYPE_K": "q8_0", "LLAMA_ARG_MMPROJ": "p.gguf",
                                          "LLAMA_ARG_NO_KV_OFFLOAD": "1", "LLAMA_ARG_CTX_SIZE": "99",
                                          "LLAMA_ARG_TEMPERATURE": "1", "LLAMA_ARG_FLASH_ATTN": "auto"}))
        for word in ("LLAMA_ARG_CACHE_TYPE_K=q8_0", "LLAMA_ARG_MMPROJ=p.gguf", "LLAMA_ARG_NO_KV_OFFLOAD=1"):
            self.assertIn(word, told)
        for word in ("CTX_SIZE", "TEMPERATURE", "FLASH_ATTN"):  # our flag wins; changes nothing; is the same
            self.assertNotIn(word, told)
        self.assertEqual(self.told(self.launch("-ctk", "f16", env={"LLAMA_ARG_CACHE_TYPE_K": "q8_0"})), "")

    def test_llama_cpps_config_file_counts_too(self):
        folder = self.folder / "config" / "llama.cpp"
        folder.mkdir(parents=True)
        (folder / "config.ini").write_text("cache-type-v = q8_0 ; smaller\nctx-size = 99\n[other-model]\nlora = x\n")
        env = {"XDG_CONFIG_HOME": str(folder.parent)}
        told = self.told(self.launch(env=env))
        self.assertIn(f"cache-type-v=q8_0 (in {folder}/config.ini)", told)
        for word in ("ctx-size", "lora"):
            self.assertNotIn(word, told)
        done = self.run_sweetspot("plan", ZEPHYR, *SMALL_PLAN, "--flags", env=env)
        self.assertIn("cache-type-v=q8_0", done.stderr)
        # The server agrees that it reads this file. It may end before its own log is written: asked until it says so.
        for _ in range(10):
            shown = subprocess.run([SERVER, "-lv", "4", "--version"], capture_output=True, text=True,
                                   env=self.environment(env))
            if "using config file" in shown.stdout + shown.stderr:
                break
        self.assertIn(f"using config file: {folder}/config.ini", shown.stdout + shown.stderr)

    def test_flags_that_are_passed_on_without_a_word_take_no_memory(self):
        """llama-server itself, with all of them at once, takes what it takes with none."""
        words, silent = [], 0
        for flag in FLAGS:
            served = SERVED.get(flag.name, "1")
            if flag.removed or flag.name in NOT_SERVED or served is None or flag.metavar in NO_FILES:
                continue
            if flag.metavar and any(flag.metavar.startswith(word) for word in ("KEY", "JSON", "ORIGINS")):
                continue
            if self.is_counted(flag, served):
                continue
            words += [flag.name, *([served] * flag.values)]
            silent += 1
        self.assertGreater(silent, 100)
        self.assertEqual(self.buffers(*words), self.buffers())

    def is_counted(self, flag, value):
        """Whether it is named as not in the figures; asked of a few flags at once, so that the line is not cut."""
        if not hasattr(self, "_told"):
            asked = [each for each in FLAGS if each.name not in ("--host", "--port")]
            lines = [self.told(self.launch(*(
                word for each in asked[i:i + 20]
                for word in (each.name, *([SERVED.get(each.name, "1") or "1"] * each.values)))))
                for i in range(0, len(asked), 20)]
            self._told = " ".join(line.split(" not in the figures")[0] for line in lines)
        return re.search(rf"(^|[ ,]){re.escape(flag.name)}([ ,]|$)", self._told) is not None

    def buffers(self, *words):
        """Every buffer that llama-server takes, as it says itself."""
        port = free_port()
        log = self.folder / "server.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                [SERVER, "-m", self.model, "-c", "512", "-np", "1", "--fit", "off", "-lv", "4", *words, "--host",
                 "127.0.0.1", "--port", str(port)], stdout=out, stderr=out, env=self.environment())
            try:
                deadline = time.monotonic() + 60
                while "listening on http" not in log.read_text(errors="replace"):
                    self.assertIsNone(server.poll(), log.read_text(errors="replace")[-2000:])
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.1)
            finally:
                server.terminate()
                server.wait(20)
        return sorted(re.findall(r"(\S+ +\w+ buffer size = +[\d.]+ MiB)", log.read_text(errors="replace")))


if __name__ == "__main__":
    if not SERVER.exists():
        print(f"there is no llama-server at {SERVER}")
        raise SystemExit(77)
    unittest.main()
