"""What an export says, read back, is the config, or a note names what is missing.

    round_trip_test.py WRITE_SAMPLE_EXPORTS LLAMA_SERVER

llama-server's own parsers read flags, variables and presets: its router answers with the arguments that it
understood, its --help says which variable is which flag. The documents of other hosts are read here by the keys that
docs/formats/exports.md names the source of."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import yaml

WRITER, LLAMA_SERVER = sys.argv[1:3]
SAMPLES = 120
STARTED = 12  # of these llama-server is started with the flags
PLACING = {"n_gpu_layers", "n_cpu_moe", "n_cpu_ffn", "override_tensor"}
GGML_TYPES = {0: "f32", 1: "f16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0", 20: "iq4_nl", 30: "bf16"}


def read_samples():
    lines = subprocess.run([WRITER, str(SAMPLES)], capture_output=True, text=True, check=True).stdout.splitlines()
    return {knob["name"]: knob for knob in json.loads(lines[0])}, [json.loads(line) for line in lines[1:]]


KNOBS, JOBS = read_samples()


def joined(values):
    return ",".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)


# ---- llama-server's own parsers


@contextlib.contextmanager
def router(preset, *arguments):
    """The arguments of each model of a preset, as llama-server's router understood them."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        path = pathlib.Path(folder, "preset.ini")
        path.write_text(preset)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
        server = subprocess.Popen(
            [LLAMA_SERVER, "--models-preset", str(path), "--offline", "--host", "127.0.0.1", "--port", str(port),
             *arguments], env={**clean, "XDG_CONFIG_HOME": folder}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
        try:
            yield {model["id"]: model["status"]["args"][1:] for model in models_of(server, port)}
        finally:
            server.terminate()
            server.communicate(timeout=20)


def models_of(server, port):
    for _ in range(200):
        if server.poll() is not None:
            raise AssertionError("llama-server refuses: " + server.stdout.read()[:2000])
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/models", timeout=5) as answer:
                return json.load(answer)["data"]
        time.sleep(0.1)
    raise AssertionError("llama-server does not answer")


class Help:
    """Flags by llama-server's --help: which variable sets which, and which take no value."""

    def __init__(self):
        text = subprocess.run([LLAMA_SERVER, "--help"], capture_output=True, text=True, check=True).stdout
        self.flag_of, self.names_of, names = {}, {}, []
        for line in text.splitlines():
            head = re.match(r"(-\S+?(?:,\s+-\S+?)*)(?:\s|$)", line)
            if head:
                names = re.split(r",\s+", head[1])
                self.names_of.update({name: names for name in names})
            for variable in re.findall(r"\(env: (\w+)\)", line):
                self.flag_of[variable] = names


SHOWN = Help() if pathlib.Path(LLAMA_SERVER).exists() else None


def read_flags(words):
    """Knobs that a command line says, by the table's own names, with the model and the servers."""
    said, i = {}, 0
    while i < len(words):
        word = words[i]
        # The router answers with a spelling of its own choice: any that the help lists beside one of ours.
        spellings = {word, *SHOWN.names_of.get(word, ())}
        knob = next((knob for knob in KNOBS.values() if word in knob["flags"].split(",")), None)
        knob = knob or next((knob for knob in KNOBS.values() if spellings & set(knob["flags"].split(","))), None)
        if knob and knob["switch"]:
            said[knob["name"]] = "off" if word.lstrip("-").startswith("n") else "on"
        elif knob or word in ("--model", "--rpc", "--fit"):
            i += 1
            said[knob["name"] if knob else word] = words[i]
        i += 1
    return said


# ---- other hosts, each as knobs by name; None = it says nothing of it


def read_modelfile(text, job):
    said = dict(re.findall(r"^PARAMETER (\w+) (\S+)$", text, re.M))
    knobs = {"n_gpu_layers": said["num_gpu"], "n_batch": said["num_batch"], "n_threads": said.get("num_thread"),
             "main_gpu": said.get("main_gpu"),
             "load_mode": {"true": "mmap", "false": "none"}.get(said.get("use_mmap"))}
    # Its context is of each sequence, of which its server's environment says how many.
    knobs["n_ctx"] = str(int(said["num_ctx"]) * int(job["knobs"]["n_parallel"]))
    knobs["n_ubatch"] = str(min(512, int(said["num_batch"])))
    if said["num_gpu"] == "0" and job["knobs"]["devices"] == "none":
        knobs["devices"] = "none"  # it starts its runner without one
    return knobs


def read_lm_studio(text, job):
    fields = {field["key"].removeprefix("llm.load."): field["value"]
              for field in json.loads(text)["load"]["fields"]}
    modes = {(True, False, False): "mmap", (False, True, False): "mlock", (True, True, False): "mmap+mlock",
             (False, False, True): "dio", (False, False, False): "none"}
    mode = tuple(fields.get(key) for key in ("llama.tryMmap", "llama.keepModelInMemory", "llama.tryDirectIO"))

    def cache(key):
        value = fields.get(key)
        return value and (value["value"] if value["checked"] else "f16")

    return {"n_ctx": fields["contextLength"], "n_batch": fields["llama.evalBatchSize"],
            "n_ubatch": fields["llama.physicalBatchSize"],
            "n_gpu_layers": round(fields["llama.acceleration.offloadRatio"] * job["layers"]),
            "n_cpu_moe": round(fields["numCpuExpertLayersRatio"] * (job["layers"] - 1)),
            "flash_attn": "on" if fields["llama.flashAttention"] else "off",
            "type_k": cache("llama.kCacheQuantizationType"), "type_v": cache("llama.vCacheQuantizationType"),
            "kv_offload": "on" if fields["offloadKVCacheToGpu"] else "off",
            "n_parallel": fields["numParallelSessions"],
            "kv_unified": "on" if fields["useUnifiedKvCache"] else "off",
            "n_threads": fields.get("llama.cpuThreadPoolSize"), "load_mode": modes.get(mode)}


def read_kcpps(text, job):
    said = json.loads(text)
    types = [None] if "quantkv" not in said else [["f16", "q8_0", "q4_0"][said["quantkv"]]]
    knobs = {"n_gpu_layers": said["gpulayers"], "n_ctx": said["contextsize"], "n_ubatch": said["batchsize"],
             "n_batch": said["batchsize"], "n_threads": said.get("threads"),
             "n_threads_batch": said.get("blasthreads"), "flash_attn": "on" if said["flashattention"] else "off",
             "type_k": types[0], "type_v": types[0], "kv_offload": "off" if said["lowvram"] else "on",
             "swa_full": "off" if said["useswa"] else "on", "n_cpu_moe": said["moecpu"],
             "override_tensor": said["overridetensors"],
             "tensor_split": joined(said["tensor_split"]) if "tensor_split" in said else None,
             "main_gpu": said.get("maingpu")}
    knobs["load_mode"] = {(True, False): "mmap", (False, False): "none", (False, True): "mlock",
                          (True, True): "mmap+mlock"}[said["usemmap"], said["usemlock"]]
    if said.get("usecpu"):
        knobs["devices"] = "none" if job["knobs"]["devices"] == "none" else None
    cuda, vulkan = said.get("usecuda", []), said.get("usevulkan", [])
    if cuda and cuda[0] != "all":
        knobs["devices"] = f"CUDA{cuda[0]}"
    if vulkan:
        knobs["devices"] = f"Vulkan{vulkan[0]}"
    knobs["split_mode"] = "row" if "rowsplit" in cuda else "layer"
    return knobs


def read_python(text, job):
    said = json.loads(text)
    split = ["none", "layer", "row", "tensor"][said["split_mode"]]
    knobs = {name: said.get(name) for name in ("n_gpu_layers", "main_gpu", "n_ctx", "n_batch", "n_ubatch",
                                               "n_threads", "n_threads_batch")}
    knobs.update(split_mode=split, kv_offload="on" if said["offload_kqv"] else "off",
                 flash_attn="on" if said["flash_attn"] else "off",
                 swa_full="on" if said["swa_full"] else "off", type_k=GGML_TYPES[said["type_k"]],
                 type_v=GGML_TYPES[said["type_v"]],
                 tensor_split=joined(said["tensor_split"]) if "tensor_split" in said else None)
    if said.get("embedding"):
        knobs["embeddings"] = "on"
    if "pooling_type" in said:
        knobs["pooling"] = ["none", "mean", "cls", "last", "rank"][said["pooling_type"]]
    if "use_mmap" in said:
        knobs["load_mode"] = {(True, False): "mmap", (False, False): "none", (False, True): "mlock",
                              (True, True): "mmap+mlock"}[said["use_mmap"], said["use_mlock"]]
    return knobs


def read_web_ui(text, job):
    [settings] = yaml.safe_load(text).values()
    knobs = {"n_gpu_layers": settings["gpu_layers"], "n_ctx": settings["ctx_size"],
             "n_batch": settings["batch_size"], "n_ubatch": settings["ubatch_size"],
             "n_threads": settings["threads"], "n_threads_batch": settings["threads_batch"],
             "n_parallel": settings["parallel"], "kv_offload": "off" if settings["no_kv_offload"] else "on",
             "split_mode": settings["split_mode"], "tensor_split": settings.get("tensor_split"),
             "flash_attn": "on"}  # always
    kind = settings["cache_type"]
    knobs["type_k"] = knobs["type_v"] = "f16" if kind == "fp16" else kind
    knobs.update(read_flags(shlex.split(settings.get("extra_flags", ""))))
    return knobs


HOSTS = {"ollama": read_modelfile, "lmstudio": read_lm_studio, "koboldcpp": read_kcpps,
         "llama-cpp-python": read_python, "text-generation-webui": read_web_ui}


def same(knob, said, wanted):
    """Whether the host does what was wanted; values that nobody can tell apart are the same."""
    said = str(said)
    if knob == "n_gpu_layers":
        everything = ("-1", "all", "999", "33")
        return said == wanted or (wanted in everything and said in everything)
    if knob == "load_mode" and wanted == "auto":
        return said in ("auto", "mmap")
    if knob == "flash_attn" and wanted == "auto":
        return said in ("auto", "on")  # docs/formats/exports.md says so
    return said == wanted


class RoundTrip(unittest.TestCase):
    def check(self, job, form, knobs, notes):
        for name, wanted in job["knobs"].items():
            if KNOBS[name]["server_only"] and form in HOSTS and form != "text-generation-webui":
                continue  # no other program has such caches
            said = knobs.get(name)
            kept = same(name, said, wanted) if said is not None else wanted == KNOBS[name]["usual"]
            named = any(re.search(rf"\b{name}\b", note) for note in notes)
            self.assertTrue(kept or named, f"{form} of {job['name']}: {name} is {wanted}, it says {said}; {notes}")

    def check_servers(self, job, said, notes, form):
        wanted = [] if job["knobs"]["devices"] == "none" else job["rpc"]
        named = all(any(server in note for note in notes) for server in job["rpc"])
        self.assertTrue(said == ",".join(wanted) or named, f"{form} of {job['name']}: {said} {notes}")

    def test_flags(self):
        for job in JOBS[:STARTED]:
            document = job["formats"]["llama-server"]
            words = shlex.split(document["text"])
            self.assertEqual(words[:2], ["--model", job["path"]])
            kept, left = what_is_here(words[2:])
            with router("version = 1\n\n[m]\nmodel = x\n", *kept) as models:
                knobs = {**read_flags(left), **read_flags(models["m"])}
            self.assertEqual(knobs["--fit"], "off")
            self.check(job, "llama-server", knobs, document["notes"])
            self.check_servers(job, read_flags(words).get("--rpc", ""), [], "llama-server")

    def test_flags_are_said_alike_by_all_that_start_a_llama_server(self):
        for job in JOBS:
            words = shlex.split(job["formats"]["llama-server"]["text"])
            self.check(job, "llama-server", read_flags(words), [])
            swap = job["formats"]["llama-swap"]
            [model] = yaml.safe_load(swap["text"])["models"].values()
            self.assertEqual(shlex.split(model["cmd"].replace("$''{", "${"))[3:], words)

    def test_presets(self):
        jobs = [job for job in JOBS if "text" in job["formats"]["llama-server-ini"]]
        self.assertGreater(len(jobs), SAMPLES // 2)
        sections = [job["formats"]["llama-server-ini"]["text"].split("version = 1\n")[1] for job in jobs]
        servers = [re.findall(r"^rpc = (.*)$", section, re.M) for section in sections]
        preset = "version = 1\n" + re.sub(r"^rpc = .*\n", "", "".join(sections), flags=re.M)
        with router(preset) as models:
            for job, rpc in zip(jobs, servers):
                said = read_flags(models[job["name"]])
                self.assertEqual(said["--model"], job["path"])
                self.assertEqual(said["--fit"], "off")
                notes = job["formats"]["llama-server-ini"]["notes"]
                self.check(job, "llama-server-ini", said, notes)
                self.check_servers(job, "".join(rpc), [], "llama-server-ini")

    def test_variables(self):
        for job in JOBS:
            document = job["formats"]["env"]
            lines = dict(word.split("=", 1) for word in shlex.split(document["text"], comments=True))
            said = {}
            for variable, value in lines.items():
                names = SHOWN.flag_of[variable]
                knob = next((knob for knob in KNOBS.values() if set(names) & set(knob["flags"].split(","))), None)
                said[knob["name"] if knob else names[-1]] = value
            self.assertEqual(said["--model"], job["path"])
            self.assertEqual(said["--fit"], "off")
            self.check(job, "env", said, document["notes"])
            self.check_servers(job, said.get("--rpc", ""), [], "env")

    def test_llama_server_reads_the_values_of_variables(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
        for job in JOBS[:STARTED]:
            lines = dict(word.split("=", 1)
                         for word in shlex.split(job["formats"]["env"]["text"], comments=True))
            # Devices and servers would have to be there.
            for absent in ("LLAMA_ARG_RPC", "LLAMA_ARG_DEVICE", "LLAMA_ARG_OVERRIDE_TENSOR"):
                lines.pop(absent, None)
            done = subprocess.run([LLAMA_SERVER, "--version"], env={**clean, **lines}, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_other_hosts(self):
        for form, read in HOSTS.items():
            refused = 0
            for job in JOBS:
                document = job["formats"][form]
                if "refused" in document:
                    refused += 1
                    self.assertTrue(any(name in document["refused"] for name in PLACING), document["refused"])
                    continue
                knobs = {name: value for name, value in read(document["text"], job).items() if value is not None}
                self.check(job, form, knobs, document["notes"])
                self.check_servers(job, knobs.get("--rpc", ""), document["notes"], form)
            self.assertLess(refused, len(JOBS), form)

    def test_a_model_in_several_files(self):
        for job in JOBS:
            notes = job["formats"]["ollama"].get("notes")
            if notes is not None:
                several = any("several files" in note and "3" in note for note in notes)
                self.assertEqual(several, "-of-" in job["path"], job["path"])


def what_is_here(words):
    """llama-server asks servers, and looks devices up, while it reads its flags: those are not here, and left to
    the comparison of the words."""
    here, left, i = [], [], 0
    while i < len(words):
        absent = words[i] in ("--rpc", "--override-tensor") or (words[i] == "--device" and words[i + 1] != "none")
        count = 2 if i + 1 < len(words) and not words[i + 1].startswith("--") else 1
        (left if absent else here).extend(words[i:i + count])
        i += count
    return here, left


if __name__ == "__main__":
    if not pathlib.Path(LLAMA_SERVER).exists():
        print(f"there is no llama-server at {LLAMA_SERVER}")
        raise SystemExit(77)
    unittest.main(argv=sys.argv[:1])
