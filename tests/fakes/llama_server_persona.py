#!/usr/bin/python3 -B
"""A llama-server of another build or another mind, for sweetspot-adapter: it computes nothing.

It plays the persona that it is called by (a link to this file): see PERSONAS. Its help texts, log lines and answers
were written for this from the public documentation of llama.cpp and ik_llama.cpp; a token takes 2 ms of pretended
time. FAKE_SERVER_NOTES names a file to which every start appends its arguments, one JSON list a line.
"""

import http.server
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time

PERSONA = pathlib.Path(sys.argv[0]).name

PERSONAS = {
    "modern": "build 11669: everything works",
    "elder": "build 4100: bare --flash-attn, /slots refuses, times in the last event only, texts for probabilities",
    "cousin": "ik_llama.cpp: help exits 1, bare --fit, other words in the log",
    "four-slots": "build 7000: one slot becomes four unless --kv-unified is given",
    "silent": "prints no sizes of buffers",
    "remover": "lists a flag and refuses it",
    "twin": "shares its port with a stranger in silence, the first time",
    "port-taken": "cannot bind, the first time",
    "busy": "leaves the first question after its properties unanswered for longer than a server should",
    "keyless": "answers whoever asks",
    "cpu-fallback": "is asked for a device and uses none",
    "dies-loading": "ends while it loads, out of device memory",
    "dies": "is healthy and dies in the middle of an answer",
    "hangs": "is healthy and never answers a completion",
    "never-ready": "loads for ever",
    "nonsense": "streams what is no JSON",
    "endless": "streams for ever, whatever was asked for",
    "ends-early": "ends its answer after the first token",
    "syllables": "tells of every second token only, as where a character takes two of them",
    "infinite": "computes no numbers: probabilities are null",
    "asks": "waits for a line on stdin before it says what it is",
    "no-server": "is another program",
}

HELP = """\
----- common params -----
-h,    --help, --usage                  print usage and exit
--version                               show version and build info
-t,    --threads N                      number of CPU threads
-tb,   --threads-batch N                number of threads for batches
-c,    --ctx-size N                     size of the prompt context
-b,    --batch-size N                   logical maximum batch size
-ub,   --ubatch-size N                  physical maximum batch size
-ctk,  --cache-type-k TYPE              KV cache data type for K
-ctv,  --cache-type-v TYPE              KV cache data type for V
-ngl,  --gpu-layers, --n-gpu-layers N   number of layers to store in VRAM
-np,   --parallel N                     number of slots
-m,    --model FNAME                    model path to load
--host HOST                             address to listen on
--port PORT                             port to listen on
--api-key KEY                           API key to use for authentication
"""
MODERN = HELP + """\
-fa,   --flash-attn [on|off|auto]       set Flash Attention use ('on', 'off', or 'auto', default: 'auto')
-kvo,  --kv-offload, -nkvo, --no-kv-offload
                                        whether to enable KV cache offloading
-kvu,  --kv-unified, -no-kvu, --no-kv-unified
                                        use single unified KV buffer
-lm,   --load-mode MODE                 model loading mode (default: auto)
                                        - auto: mmap, unless a device does not support it
                                        - none: no special loading mode
                                        - mmap: memory-map model
-dev,  --device <dev1,dev2,..>          comma-separated list of devices
--list-devices                          print list of available devices and exit
-fit,  --fit [on|off]                   whether to adjust unset arguments to fit in device memory
-cram, --cache-ram N                    set the maximum cache size in MiB
--slots, --no-slots                     expose slots monitoring endpoint
--ui,  --webui, --no-ui, --no-webui     whether to enable the Web UI
-lv,   --verbosity, --log-verbosity N   Set the verbosity threshold.
                                         - 3: info
                                         - 4: trace (more info)
"""
OLD = HELP + """\
-fa,   --flash-attn                     enable Flash Attention (default: disabled)
-nkvo, --no-kv-offload                  disable KV offload
--no-mmap                               do not memory-map model
--mlock                                 force system to keep model in RAM
"""
HELPS = {
    "elder": OLD,
    "cousin": OLD + "--fit                                   fit the model into VRAM\n"
              "--verbosity N                           Set specific verbosity level\n"
              "-dev,  --device dev1,dev2               comma-separated list of devices\n"
              "-rtr,  --run-time-repack                repack tensors\n"
              "-amb,  --attention-max-batch N          max batch size for attention computations\n",
    "four-slots": MODERN.replace("-kvu,  --kv-unified, -no-kvu, --no-kv-unified", "-kvu,  --kv-unified"),
    "no-server": "usage: bc [options] [file ...]\n  -h  --help  print this usage and exit\n",
}
VERSIONS = {"elder": "version: 4100 (abcdef12)", "cousin": "version: 4840 (8337e4cd)",
            "four-slots": "version: 7000 (0123abcd)", "no-server": "bc 1.07.1"}
DEVICES = "Available devices:\n  CUDA0: A card that is not here (8188 MiB, 7900 MiB free)\n"


def say(text, stream=sys.stderr):
    print(text, file=stream, flush=True)


def value(*names, default=None):
    for name in names:
        if name in sys.argv:
            return sys.argv[sys.argv.index(name) + 1]
    return default


def first_time():
    """Whether this persona is started for the first time in this test."""
    notes = os.environ.get("FAKE_SERVER_NOTES")
    return notes is None or len(pathlib.Path(notes).read_text().splitlines()) <= 1


def note_start():
    if notes := os.environ.get("FAKE_SERVER_NOTES"):
        with open(notes, "a", encoding="utf-8") as file:
            file.write(json.dumps(sys.argv[1:]) + "\n")


def describe():
    if PERSONA == "asks":
        sys.stdin.readline()
        time.sleep(60)
    if "--version" in sys.argv:
        say(VERSIONS.get(PERSONA, "version: 0.7.0 (build 11669, commit fake)"))
        sys.exit(0)
    if "--help" in sys.argv:
        say(HELPS.get(PERSONA, MODERN), sys.stdout)
        sys.exit(1 if PERSONA == "cousin" else 0)
    if "--list-devices" in sys.argv:
        say(DEVICES if PERSONA == "cpu-fallback" else "Available devices:\n  (none)", sys.stdout)
        sys.exit(0)


def refuse_unknown():
    known = {word.strip(",") for line in HELPS.get(PERSONA, MODERN).splitlines() for word in line.split()
             if word.startswith("-") and line.startswith("-")}
    for word in sys.argv[1:]:
        if word.startswith("-") and not word.lstrip("-").isdigit() and word not in known:
            say(f"error: invalid argument: {word}")
            sys.exit(1)
    if PERSONA == "remover" and "--cache-ram" in sys.argv:
        say('error while handling argument "--cache-ram": the argument has been removed')
        sys.exit(1)


def print_load(slots, n_ctx):
    layers = int(value("--n-gpu-layers", "-ngl", default="0").replace("all", "999"))
    shown = min(layers, 4)
    if PERSONA == "dies-loading":
        say("ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9000.00 MiB on device 0: cudaMalloc failed: "
            "out of memory")
        say("llama_model_load: error loading model: unable to allocate CUDA0 buffer")
        say("main: exiting due to model loading error")
        sys.exit(1)
    say(f"load_tensors: offloaded {shown}/4 layers to GPU")
    if PERSONA == "silent":
        return
    if PERSONA in ("elder", "cousin"):
        say("llm_load_tensors:        CPU buffer size =     2.50 MiB")
        say(f"llama_new_context_with_model: n_ctx      = {n_ctx}")
        say("llama_kv_cache_init:        CPU KV buffer size =     1.50 MiB")
        say("llama_new_context_with_model:        CPU compute buffer size =     5.75 MiB")
        return
    say("load_tensors:   CPU_Mapped model buffer size =     2.50 MiB")
    say("llama_context: constructing llama_context")
    say(f"llama_context: n_ctx                 = {n_ctx}")
    say("llama_kv_cache:        CPU KV buffer size =     1.50 MiB")
    say("sched_reserve:        CPU compute buffer size =     5.75 MiB")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = ("ik_llama.cpp" if PERSONA == "cousin" else "llama.cpp"), ""
    slots = n_ctx = 1
    was_busy = False

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def may_ask(self):
        key = value("--api-key")
        if PERSONA == "keyless" or self.headers.get("Authorization") == f"Bearer {key}":
            return True
        self.answer(401, {"error": {"message": "Invalid API Key", "code": 401}})
        return False

    def do_GET(self):
        if self.path == "/health" and PERSONA == "never-ready":
            return self.answer(503, {"error": {"message": "Loading model", "code": 503}})
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        if not self.may_ask():
            return None
        if self.path == "/props":
            if PERSONA == "busy" and not Handler.was_busy:
                Handler.was_busy = True
                time.sleep(5.5)
            return self.answer(200, {"total_slots": self.slots,
                                     "default_generation_settings": {"n_ctx": self.n_ctx // self.slots}})
        if self.path == "/slots" and PERSONA != "elder":
            return self.answer(200, [{"id": i, "is_processing": False} for i in range(self.slots)])
        return self.answer(501, {"error": {"message": "not supported", "code": 501}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.may_ask():
            return
        if PERSONA == "hangs":
            time.sleep(3600)
        if body.get("stream"):
            self.stream(body)
        else:
            self.answer(200, self.last(body, 1))

    def last(self, body, tokens):
        answer = {"content": "", "stop": True, "id_slot": body["id_slot"], "tokens_predicted": tokens,
                  "timings": {"prompt_n": len(body["prompt"]), "prompt_ms": 2.0 * len(body["prompt"]),
                              "predicted_n": tokens, "predicted_ms": 2.0 * tokens, "predicted_per_second": None}}
        if wanted := body.get("n_probs"):
            if PERSONA == "elder":
                answer["completion_probabilities"] = [{"content": "a", "probs": [{"tok_str": "a", "prob": 1.0}]}]
            else:
                logprob = None if PERSONA == "infinite" else -1.0
                top = [{"id": i, "token": "t", "logprob": logprob if logprob is None else -1.0 - i / 100}
                       for i in range(wanted)]
                answer["completion_probabilities"] = [{"id": 0, "logprob": logprob, "top_logprobs": top}]
        return answer

    def event(self, text):
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
        self.wfile.flush()

    def stream(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.event(": a comment keeps the connection open\n\n")
        if PERSONA == "nonsense":
            return self.event("data: {never mind\n\n")
        wanted = 10**9 if PERSONA == "endless" else body["n_predict"]
        if PERSONA == "ends-early":
            wanted = 1
        for token in range(1, wanted + 1):
            time.sleep(0.002)
            if PERSONA == "dies" and token == 3:
                say("GGML_ASSERT(buffer) failed")
                os.kill(os.getpid(), signal.SIGABRT)
            if PERSONA == "syllables" and token % 2 == 0:
                continue
            event = {"content": "a", "stop": False, "id_slot": -1}
            if PERSONA != "elder":
                event |= {"tokens_predicted": token,
                          "timings": {"prompt_n": len(body["prompt"]), "prompt_ms": 4.0, "predicted_n": token,
                                      "predicted_ms": 2.0 * (token - 1) + 0.001}}
            self.event("data: " + json.dumps(event) + "\n\n")
        self.event("data: " + json.dumps(self.last(body, wanted)) + "\n\n")
        self.event("")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False

    def handle_error(self, *_):
        pass


class Stranger(Handler):
    """Another program's server on the port that was wanted."""

    def may_ask(self):
        return True


def main():
    describe()
    note_start()
    refuse_unknown()
    slots = int(value("--parallel", "-np", default="1"))
    n_ctx = int(value("--ctx-size", "-c", default="4096"))
    if PERSONA == "four-slots" and slots == 1 and "--kv-unified" not in sys.argv:
        slots = 4
    port = int(value("--port"))
    if PERSONA == "port-taken" and first_time():
        say(f"srv  start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: {port}")
        sys.exit(1)
    handler = Stranger if PERSONA == "twin" and first_time() else Handler
    handler.slots, handler.n_ctx = slots, n_ctx
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print_load(slots, n_ctx)
    server = Server(("127.0.0.1", port), handler, bind_and_activate=False)
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.server_bind()
    server.server_activate()
    say("main: server is listening")
    threading.Thread(target=server.serve_forever).start()


main()
