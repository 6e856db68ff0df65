// A llama-server that does what a script says, for what a real one cannot be made to do on demand.
//
//   scripted_server --script FILE --n-gpu-layers N --host H --port P [anything else]
//
// FILE is JSON: behaviours by number of layers, "else" for all others:
//   {"log": "/tmp/log",                     one line per start: the arguments
//    "layers": {"24": {"load": "oom"}, "else": {}}}
// A behaviour:
//   "load":       "ok" (default), "oom" (llama.cpp's words, exit code 1), "abort", "hang" (nobody
//                 listens), "loading" (/health stays 503), "bind" (the address is taken),
//                 "model" (the file is broken), or an exit code
//   "delay_ms":   before /health is 200
//   "completion": "ok", "oom" (words and abort), "abort", "error" (500), "refuse" (400), "hang", or
//                 "slow" (the deep one hangs, a short one is answered)
//   "n_ctx":      of its slot, default 64
//   "busy_file":  a slot is processing while that file exists
//   "term":       "exit" (default, code 0), "ignore", or an exit code
// It answers /health, /slots, /tokenize and /completion, one connection at a time.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>

namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr const char* kOutOfMemory =
    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 512.00 MiB on device 0: cudaMalloc "
    "failed: out of memory\nllama_model_load: error loading model: unable to allocate CUDA0 "
    "buffer\n";

std::string value_after(int argc, char** argv, std::string_view flag, std::string fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (argv[i] == flag) fallback = argv[i + 1];
  }
  return fallback;
}

json read_json(const std::string& path) {
  std::ifstream file(path);
  json script = json::parse(file, nullptr, false);
  return script.is_object() ? script : json::object();
}

[[noreturn]] void sleep_for_ever() {
  for (;;) pause();
}

[[noreturn]] void say_and_exit(const char* text, int code) {
  std::fputs(text, stderr);
  std::exit(code);  // NOLINT(concurrency-mt-unsafe)
}

// Ends the program, or returns where the load succeeds.
void load(const json& behaviour) {
  const json how = behaviour.value("load", json("ok"));
  if (how.is_number()) std::exit(how.get<int>());  // NOLINT(concurrency-mt-unsafe)
  if (how == "oom") say_and_exit(kOutOfMemory, 1);
  if (how == "abort") std::abort();
  if (how == "hang") sleep_for_ever();
  if (how == "bind") say_and_exit("srv start: couldn't bind HTTP server socket, port: 1\n", 1);
  if (how == "model") say_and_exit("llama_model_load: error loading model: invalid magic\n", 1);
}

int listen_at(const std::string& host, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 16) != 0) {
    say_and_exit("srv start: couldn't bind HTTP server socket\n", 1);
  }
  return fd;
}

// The whole request: its head and as much body as the head says.
std::string read_request(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end != std::string::npos) {
      const std::size_t at = text.find("Content-Length: ");
      std::size_t length = 0;
      if (at < end) std::from_chars(text.data() + at + 16, text.data() + end, length);
      if (text.size() >= end + 4 + length) return text;
    }
    const ssize_t count = read(fd, part.data(), part.size());
    if (count <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(count));
  }
}

void answer(int fd, int status, const std::string& body) {
  const std::string text = "HTTP/1.1 " + std::to_string(status) +
                           " Status\r\nContent-Type: application/json\r\nContent-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body;
  [[maybe_unused]] const ssize_t written = write(fd, text.data(), text.size());
}

class Server {
 public:
  explicit Server(json behaviour) : behaviour_(std::move(behaviour)) {}

  void serve(int fd) {
    const std::string request = read_request(fd);
    const std::string_view head = std::string_view(request).substr(0, request.find('\r'));
    if (head.starts_with("GET /health")) return health(fd);
    if (head.starts_with("GET /slots")) return slots(fd);
    if (head.starts_with("POST /tokenize")) return answer(fd, 200, R"({"tokens":[3,4,5]})");
    if (head.starts_with("POST /completion")) return completion(fd, request);
    answer(fd, 404, "{}");
  }

 private:
  void health(int fd) {
    const auto age = Clock::now() - since_;
    const bool late = age < std::chrono::milliseconds(behaviour_.value("delay_ms", 0));
    if (late || behaviour_.value("load", json("ok")) == "loading") {
      return answer(fd, 503, R"({"error":{"message":"Loading model"}})");
    }
    answer(fd, 200, R"({"status":"ok"})");
  }

  void slots(int fd) {
    const std::string file = behaviour_.value("busy_file", "");
    const json slot = {{"id", 0},
                       {"n_ctx", behaviour_.value("n_ctx", 64)},
                       {"is_processing", !file.empty() && std::filesystem::exists(file)}};
    answer(fd, 200, json::array({slot}).dump());
  }

  void completion(int fd, const std::string& request) {
    const json body = json::parse(request.substr(request.find("\r\n\r\n") + 4), nullptr, false);
    const std::size_t tokens = body.is_object() ? body["prompt"].size() : 0;
    const std::string how = behaviour_.value("completion", "ok");
    if (how == "oom") {
      std::fputs("CUDA error: out of memory\n", stderr);
      std::abort();
    }
    if (how == "abort") std::abort();
    if (how == "error") return answer(fd, 500, R"({"error":{"message":"decode failed"}})");
    if (how == "refuse") return answer(fd, 400, R"({"error":{"message":"no such thing"}})");
    // It works on, whoever waits for it: like a decode that does not come back.
    if (how == "hang") sleep_for_ever();
    if (how == "slow" && tokens > 16) return;  // closed only when the client has gone
    answer(fd, 200, R"({"content":"x","tokens_evaluated":)" + std::to_string(tokens) + "}");
  }

  json behaviour_;
  Clock::time_point since_ = Clock::now();
};

std::atomic<int> term_code{0};

void set_term(const json& how) {
  if (how == "ignore") {
    std::signal(SIGTERM, SIG_IGN);
    return;
  }
  term_code = how.is_number() ? how.get<int>() : 0;
  std::signal(SIGTERM, [](int) { _exit(term_code.load()); });
}

}  // namespace

int main(int argc, char** argv) {
  const json script = read_json(value_after(argc, argv, "--script", ""));
  if (const std::string log = script.value("log", ""); !log.empty()) {
    std::ofstream file(log, std::ios::app);
    for (int i = 1; i < argc; ++i) file << argv[i] << (i + 1 < argc ? ' ' : '\n');
  }
  const json layers = script.value("layers", json::object());
  const std::string wanted = value_after(argc, argv, "--n-gpu-layers", "0");
  const json behaviour = layers.value(wanted, layers.value("else", json::object()));
  set_term(behaviour.value("term", json("exit")));
  load(behaviour);
  const int listener = listen_at(value_after(argc, argv, "--host", "127.0.0.1"),
                                 std::stoi(value_after(argc, argv, "--port", "8080")));
  std::puts("scripted server is listening");
  std::fflush(stdout);
  Server server(behaviour);
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    std::thread([&server, fd] {
      server.serve(fd);
      // A "slow" answer never comes: the client's end closes the connection.
      std::array<char, 64> rest{};
      while (read(fd, rest.data(), rest.size()) > 0) {
      }
      close(fd);
    }).detach();
  }
}
