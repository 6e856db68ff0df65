"""What `choose --format` writes is taken by the program that it is for, or by a parser of its format."""

import contextlib
import http.client
import json
import os
import re
import shlex
import signal
import subprocess
import time
import unittest

import yaml

import profile_sets
from harness import LLAMA_PROGRAMS, SOURCE, SystemTest, free_port
from python_arguments import PYTHON_ARGUMENTS, check_types

LLAMA_SERVER = LLAMA_PROGRAMS / "llama-server"
TINY = ["--blocks", "3", "--embd", "256", "--ff", "512", "--heads", "4", "--kv-heads", "2",
        "--vocab", "512", "--ctx-train", "8192"]
MIN_CTX = 5120  # not llama.cpp's default, not what the model was trained for
# Names that some grammar reads something into. A line break is refused by some formats, see below.
HOSTILE = ["it's $(touch pwned) `id`.gguf", 'a "b" & c = d ] [x.gguf', "日本 ${HOME} ${PORT} é😀.gguf",
           "-x --port 1: - ! % @ *.gguf"]

# Settings of KoboldCpp 1.102's command line, which a .kcpps sets by the same names.
KCPPS_SETTINGS = {
    "model_param": str, "gpulayers": int, "contextsize": int, "batchsize": int, "threads": int,
    "blasthreads": int, "flashattention": bool, "quantkv": int, "lowvram": bool, "useswa": bool,
    "moecpu": int, "overridetensors": str, "tensor_split": list, "maingpu": int, "usemmap": bool,
    "usemlock": bool, "usecuda": list, "usevulkan": list, "usecpu": bool}
# Load fields of LM Studio (lmstudio-js, lms-kv-config's schema of August 2026).
LM_STUDIO_FIELDS = {
    "llm.load.contextLength": int, "llm.load.numCpuExpertLayersRatio": (int, float),
    "llm.load.llama.acceleration.offloadRatio": (int, float), "llm.load.llama.autoFit": bool,
    "llm.load.llama.evalBatchSize": int, "llm.load.llama.physicalBatchSize": int,
    "llm.load.llama.flashAttention": bool, "llm.load.llama.kCacheQuantizationType": dict,
    "llm.load.llama.vCacheQuantizationType": dict, "llm.load.llama.cpuThreadPoolSize": int,
    "llm.load.llama.tryMmap": bool, "llm.load.llama.tryDirectIO": bool,
    "llm.load.llama.keepModelInMemory": bool, "llm.load.offloadKVCacheToGpu": bool,
    "llm.load.numParallelSessions": int, "llm.load.useUnifiedKvCache": bool}
# Settings of text-generation-webui's llama.cpp loader (modules/loaders.py of May 2026).
WEBUI_SETTINGS = {
    "loader": str, "gpu_layers": int, "ctx_size": int, "batch_size": int, "ubatch_size": int,
    "threads": int, "threads_batch": int, "parallel": int, "no_kv_offload": bool, "split_mode": str,
    "tensor_split": str, "cache_type": str, "extra_flags": str}
# Numbers that Ollama's PARAMETER takes for the runner (api/types.go).
OLLAMA_PARAMETERS = {"num_gpu", "num_ctx", "num_batch", "num_thread", "main_gpu", "use_mmap"}


def parse_modelfile(text):
    """Instructions of a Modelfile by its documented grammar: one a line, # comments, quoted values
    may go over several lines."""
    commands, lines = [], text.split("\n")
    while lines:
        line = lines.pop(0)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, value = line.partition(" ")
        for quote in ('"""', '"'):
            if value.startswith(quote):
                while not (len(value) >= 2 * len(quote) and value.endswith(quote)):
                    value += "\n" + lines.pop(0)
                value = value[len(quote):-len(quote)]
                break
        commands.append((name.upper(), value))
    return commands


class Exports(SystemTest):
    def export(self, model, form, *arguments):
        done = self.run_sweetspot("choose", model, "--format", form, "--min-ctx", MIN_CTX, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def named(self, name):
        path = self.folder / name
        if not path.exists():
            path.hardlink_to(self.model)
        return path

    def setUp(self):
        super().setUp()
        self.model = self.synth("tiny.gguf", *TINY)

    @contextlib.contextmanager
    def llama_server(self, arguments, env=None):
        """The real llama-server on a free port; gives the port once it is healthy."""
        port = free_port()
        server = subprocess.Popen(
            [str(LLAMA_SERVER), *arguments, "--host", "127.0.0.1", "--port", str(port)],
            cwd=self.folder, env=self.environment(env), stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="backslashreplace", start_new_session=True)
        try:
            deadline = time.monotonic() + 60
            while self.ask(port, "/health")[0] != 200:
                self.assertIsNone(server.poll(), "llama-server ended")
                self.assertLess(time.monotonic(), deadline, "llama-server is not healthy")
                time.sleep(0.1)
            yield port
        finally:
            # Asked to end, not killed: its log is written by a thread of its own, and a kill loses
            # the lines that this thread has not come to.
            server.terminate()
            try:
                self.output = server.communicate(timeout=20)[0]
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)

    def ask(self, port, path, body=None):
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port,
                                                               timeout=30)) as connection:
                connection.request("GET" if body is None else "POST", path,
                                   None if body is None else json.dumps(body),
                                   {"Content-Type": "application/json"})
                with connection.getresponse() as answer:
                    text = answer.read().decode(errors="replace")
                return answer.status, json.loads(text) if answer.status == 200 else text
        except (OSError, http.client.HTTPException) as problem:
            return None, str(problem)

    def check_context(self, port, path="/props"):
        status, props = self.ask(port, path)
        self.assertEqual(status, 200, props)
        self.assertEqual(props["default_generation_settings"]["n_ctx"], MIN_CTX)
        self.assertEqual(props["total_slots"], 1)
        return props

    # ---- the real llama-server

    def test_llama_server_takes_the_flags(self):
        for name in ("plain.gguf", HOSTILE[0]):
            model = self.named(name)
            line = self.export(model, "llama-server")
            # The shell itself splits the line, as in the eval of choose's help.
            words = subprocess.run(["/bin/sh", "-c", f"printf '%s\\0' {line}"], capture_output=True,
                                   text=True, cwd=self.folder, check=True).stdout.split("\0")[:-1]
            self.assertFalse((self.folder / "pwned").exists())
            with self.llama_server(words) as port:
                self.assertEqual(self.check_context(port)["model_path"], str(model))

    def test_a_line_to_paste_has_no_control_characters(self):
        model = self.named("a\n\r\t\x03\x1b[31m\x7f'\"\\7 \u202e.gguf")
        for arguments in (["choose", model, "--format", "llama-server"], ["launch", model, "--dry-run"],
                          ["plan", model, "--flags", "--vram-limit", "6GiB"]):
            with self.subTest(arguments=arguments[0]):
                done = self.run_sweetspot(*arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.rstrip("\n").isprintable(), ascii(done.stdout))
                shell = subprocess.run(["bash", "-c", "printf '%s\\0' " + done.stdout], capture_output=True,
                                       check=True)
                words = shell.stdout.split(b"\0")
                self.assertEqual(words[words.index(b"--model") + 1], os.fsencode(model))

    def test_variables_and_presets_refuse_control_characters(self):
        for character in "\n\r\t\x1b\x7f":
            model = self.named(f"a{character}b.gguf")
            for form in ("env", "llama-server-ini"):
                done = self.run_sweetspot("choose", model, "--format", form)
                self.assert_clear_sentence_among_notes(done, 2, f"a\\x{ord(character):02x}b.gguf", "link")

    def test_llama_server_takes_the_environment(self):
        for name in ("plain.gguf", HOSTILE[2]):
            model = self.named(name)
            (self.folder / "env").write_text(self.export(model, "env"))
            listed = subprocess.run(["/bin/sh", "-c", "set -a; . ./env; env -0"],
                                    capture_output=True, text=True, cwd=self.folder, check=True)
            variables = dict(entry.split("=", 1) for entry in listed.stdout.split("\0")
                             if entry.startswith("LLAMA_ARG_"))
            with self.llama_server([], variables) as port:
                self.assertEqual(self.check_context(port)["model_path"], str(model))

    def test_llama_server_reads_every_variable_that_an_export_can_name(self):
        shown = subprocess.run([str(LLAMA_SERVER), "--help"], capture_output=True, text=True,
                               check=True, env=self.environment()).stdout
        known = set(re.findall(r"\(env: (LLAMA_ARG_\w+)\)", shown))
        table = (SOURCE / "src/core/knobs.cpp").read_text()
        ours = set(re.findall(r'"(LLAMA_ARG_\w+)"', table))
        self.assertGreater(len(ours), 15)
        self.assertEqual(ours - known, set())

    def test_the_router_takes_the_preset(self):
        for name in ("plain.gguf", HOSTILE[1]):
            model = self.named(name)
            preset = self.folder / "preset.ini"
            preset.write_text(self.export(model, "llama-server-ini"))
            section = re.search(r"^\[(.*)\]$", preset.read_text(), re.M)[1]
            with self.llama_server(["--models-preset", str(preset), "--offline"]) as port:
                status, models = self.ask(port, "/models")
                self.assertEqual(status, 200, models)
                self.assertIn(section, [model["id"] for model in models["data"]])
                # It starts the program of its own process, which in a private prefix is the dynamic
                # loader: whether that comes up says nothing, with what it was started does.
                self.ask(port, "/v1/completions", {"model": section, "prompt": "a",
                                                   "max_tokens": 2})
            spawned = re.findall(r"^\S+ \w srv +load: {3}(.*)$", self.output, re.M)[1:]
            self.assertEqual(spawned[spawned.index("--model") + 1], str(model), self.output)
            for flag in ("--port", "--host"):
                del spawned[spawned.index(flag):spawned.index(flag) + 2]
            with self.llama_server(spawned) as port:
                self.assertEqual(self.check_context(port)["model_path"], str(model))
                status, answer = self.ask(port, "/v1/completions", {"prompt": "a", "max_tokens": 2})
                self.assertEqual(status, 200, answer)

    def test_the_router_takes_a_preset_of_several_models(self):
        (self.folder / "other").mkdir()
        twin = self.folder / "other" / "tiny.gguf"
        twin.hardlink_to(self.model)
        preset = self.folder / "preset.ini"
        preset.write_text(self.export(self.model, "llama-server-ini", twin, self.named(HOSTILE[1])))
        with self.llama_server(["--models-preset", str(preset), "--models-max", "1", "--offline"]) as port:
            status, models = self.ask(port, "/models")
        self.assertEqual(status, 200, models)
        starts = {model["id"]: model["status"]["args"] for model in models["data"]}
        for section, path in (("tiny", self.model), ("tiny-2", twin), ("a-b-c-d-x", self.folder / HOSTILE[1])):
            words = starts[section]
            self.assertEqual(words[words.index("--model") + 1], str(path))
            self.assertEqual(words[words.index("--ctx-size") + 1], str(MIN_CTX))

    def test_several_models_are_refused_where_one_is_held(self):
        for arguments in ([], ["--json"], ["--format", "ollama"]):
            done = self.run_sweetspot("choose", self.model, self.model, *arguments)
            self.assert_clear_sentence_among_notes(done, 2, "2 are given", "llama-swap")

    def test_of_several_models_the_one_at_fault_is_named(self):
        done = self.run_sweetspot("choose", self.model, self.folder / "none.gguf", "--format", "llama-swap")
        self.assert_clear_sentence_among_notes(done, 3, "none.gguf")
        profile_sets.store(self.folder / "data", self.model, [], [("cpu_fallback", 0, {}, {})])
        done = self.run_sweetspot("choose", self.model, "--format", "llama-swap", "--min-ctx", MIN_CTX)
        self.assert_clear_sentence_among_notes(done, 5, "context")
        other = self.synth("other.gguf", *TINY[:-1], "16384")
        done = self.run_sweetspot("choose", other, self.model, "--format", "llama-swap", "--min-ctx", MIN_CTX)
        self.assert_clear_sentence_among_notes(done, 5, "tiny.gguf: ", "context")

    def test_a_preset_refuses_what_it_cannot_hold(self):
        done = self.run_sweetspot("choose", self.named("a#b.gguf"), "--format", "llama-server-ini")
        self.assert_clear_sentence_among_notes(done, 2, "a#b.gguf", "link")

    def assert_clear_sentence_among_notes(self, done, code, *words):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        last = done.stderr.splitlines()[-1]
        for word in words:
            self.assertIn(word, last)

    # ---- documents of other programs

    def test_llama_swap(self):
        for name in ["plain.gguf", *HOSTILE]:
            model = self.named(name)
            document = self.export(model, "llama-swap")
            config = yaml.safe_load(document)
            self.assertEqual(list(config), ["models"])
            [(identifier, entry)] = config["models"].items()
            self.assertRegex(identifier, r"^[^\s\[\]{}$#'\"\\:]+$")
            # Its schema: a model has a cmd of at least one character; we use nothing else of it.
            self.assertEqual(list(entry), ["cmd"])
            self.assertGreaterEqual(len(entry["cmd"]), 1)
            self.assertIsInstance(entry["cmd"], str)
            # It replaces ${env.X} in the raw text and ${X} in values; only the port may be there.
            self.assertEqual(re.findall(r"\$\{env\.\w+\}", document), [])
            self.assertEqual(re.findall(r"\$\{[a-zA-Z0-9_-]+\}", entry["cmd"]), ["${PORT}"])
            self.assertFalse(any(line.strip().startswith("#") or line.endswith("\\")
                                 for line in entry["cmd"].split("\n")))
            words = shlex.split(entry["cmd"].replace("${PORT}", "5800"))
            self.assertEqual(words[:3], ["llama-server", "--port", "5800"])
            self.assertEqual(words[words.index("--model") + 1], str(model))
            self.assertEqual(words[words.index("--ctx-size") + 1], str(MIN_CTX))

    def test_llama_swap_has_several_models_in_one_config(self):
        paths = [self.model, self.named("plain.gguf"), self.named(HOSTILE[0])]
        config = yaml.safe_load(self.export(paths[0], "llama-swap", *paths[1:]))
        self.assertEqual(list(config), ["models"])
        self.assertEqual(len(config["models"]), len(paths))
        for entry, path in zip(config["models"].values(), paths):
            words = shlex.split(entry["cmd"])
            self.assertEqual(words[words.index("--model") + 1], str(path))

    def test_ollama(self):
        for name in ["plain.gguf", *HOSTILE]:
            model = self.named(name)
            commands = parse_modelfile(self.export(model, "ollama"))
            self.assertEqual([value for command, value in commands if command == "FROM"], [str(model)])
            parameters = dict(value.split(" ") for command, value in commands
                              if command == "PARAMETER")
            self.assertEqual(len(commands), 1 + len(parameters))
            self.assertLessEqual(set(parameters), OLLAMA_PARAMETERS)
            self.assertEqual(int(parameters["num_ctx"]), MIN_CTX)

    def test_koboldcpp(self):
        for name in ["plain.gguf", *HOSTILE]:
            model = self.named(name)
            settings = json.loads(self.export(model, "koboldcpp"))
            check_types(self, settings, KCPPS_SETTINGS)
            self.assertEqual(settings["model_param"], str(model))
            self.assertEqual(settings["contextsize"], MIN_CTX)
            self.assertIn(settings["batchsize"], (16, 32, 64, 128, 256, 512, 1024, 2048, 4096))

    def test_lmstudio(self):
        preset = json.loads(self.export(self.named(HOSTILE[2]), "lmstudio"))
        self.assertEqual(set(preset), {"identifier", "name", "changed", "operation", "load"})
        self.assertTrue(preset["identifier"].startswith("@local:"))
        self.assertEqual(preset["name"], HOSTILE[2].removesuffix(".gguf"))
        fields = {field["key"]: field["value"] for field in preset["load"]["fields"]}
        check_types(self, fields, LM_STUDIO_FIELDS)
        self.assertEqual(fields["llm.load.contextLength"], MIN_CTX)
        self.assertTrue(0 <= fields["llm.load.llama.acceleration.offloadRatio"] <= 1)

    def test_text_generation_webui(self):
        for name in ["plain.gguf", *HOSTILE]:
            model = self.named(name)
            [(pattern, settings)] = yaml.safe_load(
                self.export(model, "text-generation-webui")).items()
            check_types(self, settings, WEBUI_SETTINGS)
            # It looks settings up in this way.
            self.assertTrue(re.match(pattern.lower(), model.name.lower()))
            self.assertFalse(re.match(pattern.lower(), "other" + model.name.lower()))
            self.assertEqual(settings["ctx_size"], MIN_CTX)
            self.assertTrue(settings["extra_flags"].startswith("--"))
            shlex.split(settings["extra_flags"])

    def test_llama_cpp_python(self):
        for name in ["plain.gguf", *HOSTILE]:
            model = self.named(name)
            arguments = json.loads(self.export(model, "llama-cpp-python"))
            check_types(self, arguments, PYTHON_ARGUMENTS)
            self.assertEqual(arguments["model_path"], str(model))
            self.assertEqual(arguments["n_ctx"], MIN_CTX)
            self.assertEqual(arguments["type_k"], 1)  # GGML_TYPE_F16


if __name__ == "__main__":
    if not LLAMA_SERVER.exists():
        print(f"there is no llama-server at {LLAMA_SERVER}")
        raise SystemExit(77)
    unittest.main()
