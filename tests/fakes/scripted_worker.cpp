// A worker without llama.cpp: speaks the real protocol and does what a script says.
//
// The script is JSON in the environment variable SWEETSPOT_SCRIPT, or "@/path/to/file". Every
// member is optional; an empty script is a healthy worker.
//
//   "model":   {"layers": 22, "architecture": "llama", "name": "scripted", "bytes_per_layer":
//   30000000,
//               "non_layer_bytes": 100000000, "n_ctx_train": 4096, "recurrent": false}
//              `layers` are the blocks, so layers + 1 can be offloaded.
//              "files": [{"path", "size_bytes", "mtime_ns", "inode"}]  what inspect saw of them
//   "devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8000000000, "free_bytes": 7900000000,
//                "pci_bus_id": "0000:01:00.0"}]   a CPU device is always added
//   "memory":  {"context_bytes_per_token": 20000, "compute_bytes_per_ubatch_token": 100000,
//               "weights_left_on_host_bytes": 0}   that much of the offloaded weights is not on the
//               device
//   "speed":   {"cpu_ms": 40, "gpu_ms": 5,         ms/token with no layer and with all layers
//   offloaded; several sequences side by side take the time of one
//               "linear": {"fixed_ms": 1, "crossing_ms": 0.5, "cpu_block_ms": 2, "gpu_block_ms":
//               0.2,
//                          "cpu_output_ms": 4, "gpu_output_ms": 0.4}   instead: a block's time and
//               what a whole vocabulary's output costs; the first layer offloaded is the output
//               "by_layers": {"8": 12.5},          exact values for some counts
//               "prompt_factor": 0.05,             a prompt token costs this much of a generated
//               one "noise": 0.01, "seed": 1,          relative, Gaussian; the same in every
//               process "ramp": [0.7, 0.2, 0.06],          the first samples after a load take that
//               much longer "real_time": false,                sleep for as long as a sample claims
//               to take
//               "real_ms": 50}                     or that long, whatever it claims
//   "starved": {"starts": [2], "share": 0.8}       in these starts a token takes 1 / (1 - share) as
//               long, and the worker plays the kernel that says so: the time waited stands in
//               proc/PID/task/PID/schedstat under SWEETSPOT_SYSFS_ROOT, in others no waiting
//   "divergence": {"mean": 0.001, "p99": 0.01, "max": 0.02, "same_top": 0.99}
//   "check":   {"logits": [1.5, -2.0, 0.25]}
//   "synth":   {"bytes": 1000}
//   "starts_file": "/path"    one byte is appended per start; its size is the number of this start
//   (1..) "rules":   [ ... ]        the first that applies to a request decides; none = "answer"
//
// A rule:
//   "at":  start, hello, inspect, map, load, context, measure, check, divergence, full-depth,
//   unload, synth or serve "if":  {"starts": [2, 3], "layers": [8], "layers_from": 10, "ctx_from":
//   8192, "ubatch_from": 512,
//           "kind": "prompt"}          all that are given must hold; layers are the effective ones
//   "after_samples": 5                 measure only: act when that many samples have been sent
//   "stderr": ["a line", ...]          printed first
//   "progress": [0.25, 0.5]            sent first, in phase "phase" (default: the request's)
//   "delay_ms": 100                    waited first
//   "orphan": true                     first starts a child that calls setsid and sleeps
//   "do":  answer       as if there were no rule
//          hang         sleeps for ever, heartbeats go on
//          silent       sleeps for ever without heartbeats
//          abort, segv, bus, kill      ends by that signal
//          exit         with "code"
//          close        closes the event descriptor and sleeps
//          junk         sends the line "text", then hangs
//          oversize     sends 17 MiB without a newline, then hangs
//          truncated    sends half of an answer and exits
//          fault        sends {"code", "message", "log"} in phase "phase"
//          wrong-answer sends another request's result
//          wrong-id     answers a request that was never made
//          stale        repeats an answer to the request before, then answers
//          wrong-version  (hello) claims another protocol
//          non-finite   (measure, check) reports NaN
//          shuffled     (check) the logits in reverse order
//          flood        (measure) sends samples for ever, whatever it is told
//          busy         reports progress for ever
//          eat          allocates and touches "bytes", then hangs
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/json.hpp"
#include "core/no_device.hpp"
#include "process/cancel.hpp"
#include "protocol/channel.hpp"
#include "protocol/messages.hpp"
#include "worker_plumbing.hpp"

namespace {

using namespace sweetspot;  // NOLINT(google-build-using-namespace): a program, not a header
using namespace sweetspot::protocol;  // NOLINT(google-build-using-namespace)
using fake::json_from_environment;
using fake::Mouth;
using fake::sleep_for_ever;

constexpr int kVocab = 32000;
constexpr auto kHeartbeatEvery = std::chrono::milliseconds(500);

Json member(const Json& object, const char* name) { return object.value(name, Json::object()); }

std::size_t count_start(const Json& script) {
  if (!script.contains("starts_file")) return 1;
  const auto path = script.at("starts_file").get<std::string>();
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat status = {};
  if (fd < 0 || write(fd, ".", 1) != 1 || fstat(fd, &status) != 0) std::exit(99);  // NOLINT
  close(fd);
  return static_cast<std::size_t>(status.st_size);
}

void start_orphan() {
  if (fork() != 0) return;
  setsid();
  sleep_for_ever();
}

// ---- the pretended model
// ---------------------------------------------------------------------------------

class ScriptedWorker {
 public:
  ScriptedWorker(Json script, std::size_t start_number)
      : script_(std::move(script)), start_number_(start_number) {
    const Json speed = member(script_, "speed");
    random_.seed(speed.value("seed", 1U));
  }

  // Ends with the process: when the supervisor closes the request pipe, or as the script says.
  [[noreturn]] void run() {
    if (const Json rule = find_rule("start", ""); !rule.empty()) act(rule, 0, Phase::start);
    std::thread([this] { mouth_.beat(kHeartbeatEvery); }).detach();
    const char* const root = std::getenv("SWEETSPOT_SYSFS_ROOT");
    if (root != nullptr && !member(script_, "starved").empty()) tell_waited_ms(root);
    for (;;) {
      const ReadResult read = reader_.read_line(std::chrono::milliseconds(-1));
      if (read.status != ReadStatus::line) _exit(0);
      const auto message = decode_request(read.line);
      if (!message) {
        mouth_.say(0, Fault{FaultCode::bad_request, Phase::start, message.error().message, {}});
        continue;
      }
      id_ = message->id;
      std::visit([this](const auto& request) { handle(request); }, message->request);
    }
  }

 private:
  // True when the request has been dealt with; false to go on with the normal answer.
  bool act(const Json& rule, std::uint64_t id, Phase phase);
  bool act_at(const char* place, Phase phase, const std::string& kind = "") {
    const Json rule = find_rule(place, kind);
    return !rule.empty() && !rule.contains("after_samples") && act(rule, id_, phase);
  }
  void prepare(const Json& rule, std::uint64_t id, Phase phase);
  [[nodiscard]] Json find_rule(const std::string& place, const std::string& kind) const;
  [[nodiscard]] bool applies(const Json& conditions, const std::string& kind) const;

  void handle(const HelloRequest& request);
  void handle(const InspectRequest& request);
  void handle(const MapRequest& request);
  void handle(const LoadRequest& request);
  void handle(const ContextRequest& request);
  void handle(const MeasureRequest& request);
  void handle(const CheckRequest& request);
  void handle(const DivergenceRequest& request);
  void handle(const FullDepthRequest& request);
  void handle(const UnloadRequest& request);
  void handle(const SynthRequest& request);
  void handle(const ServeRequest& request);
  void handle(const StopRequest& /*request*/) {}  // nothing is in flight: too late, no answer

  void done(ResultBody result) { mouth_.say(id_, Done{std::move(result)}); }
  bool stop_requested() { return fake::stop_requested(reader_); }
  double token_ms();
  void wait_for_a_processor(Sample& sample);
  void tell_waited_ms(const std::string& root) const;
  [[nodiscard]] ModelInfo model() const;
  [[nodiscard]] std::vector<Device> devices() const;
  [[nodiscard]] MemoryMap memory() const;
  [[nodiscard]] double machine_ms() const;
  [[nodiscard]] std::string slice_problem(const Slice& slice) const;
  [[nodiscard]] SliceBytes slice_bytes() const;
  [[nodiscard]] int blocks() const { return member(script_, "model").value("layers", 22); }
  // That every sequence can hold at once.
  [[nodiscard]] std::uint32_t tokens_each() const { return context_.n_ctx / context_.n_parallel; }
  // Of what is loaded.
  [[nodiscard]] int loaded_blocks() const {
    return slice_ ? static_cast<int>(slice_->n_blocks) : blocks();
  }
  [[nodiscard]] double vocab_share() const {
    return slice_ && slice_->vocab_rows > 0 ? slice_->vocab_rows / static_cast<double>(kVocab) : 1;
  }

  Json script_;
  std::size_t start_number_;
  Mouth mouth_;
  LineReader reader_{kRequestFd};
  std::uint64_t id_ = 0;
  int layers_ = 0;  // effective
  std::optional<Slice> slice_;
  std::uint32_t reference_tokens_ = 0;
  bool has_context_ = false;
  std::string device_;
  ContextSettings context_;
  std::mt19937 random_;
  std::size_t samples_since_load_ = 0;
  double clock_ms_ = 0;
  double waited_ms_ = 0;
};

bool contains(const Json& list, std::int64_t value) {
  return std::any_of(list.begin(), list.end(),
                     [&](const Json& item) { return item.get<std::int64_t>() == value; });
}

bool ScriptedWorker::applies(const Json& conditions, const std::string& kind) const {
  for (const auto& [name, wanted] : conditions.items()) {
    bool holds = false;
    if (name == "starts") holds = contains(wanted, static_cast<std::int64_t>(start_number_));
    if (name == "layers") holds = contains(wanted, layers_);
    if (name == "layers_from") holds = layers_ >= wanted.get<int>();
    if (name == "ctx_from") holds = context_.n_ctx >= wanted.get<std::uint32_t>();
    if (name == "ubatch_from") holds = context_.n_ubatch >= wanted.get<std::uint32_t>();
    if (name == "kind") holds = kind == wanted.get<std::string>();
    if (!holds) return false;
  }
  return true;
}

Json ScriptedWorker::find_rule(const std::string& place, const std::string& kind) const {
  for (const Json& rule : script_.value("rules", Json::array())) {
    if (rule.value("at", "") == place && applies(member(rule, "if"), kind)) return rule;
  }
  return Json::object();
}

void ScriptedWorker::prepare(const Json& rule, std::uint64_t id, Phase phase) {
  for (const Json& line : rule.value("stderr", Json::array())) {
    std::fprintf(stderr, "%s\n", line.get<std::string>().c_str());
  }
  for (const Json& fraction : rule.value("progress", Json::array())) {
    mouth_.say(id, Progress{phase, fraction.get<double>()});
  }
  if (rule.value("orphan", false)) start_orphan();
  std::this_thread::sleep_for(std::chrono::milliseconds(rule.value("delay_ms", 0)));
}

[[noreturn]] void end_by(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  _exit(98);
}

bool ScriptedWorker::act(const Json& rule, std::uint64_t id, Phase phase) {
  const auto named = from_string<Phase>(rule.value("phase", std::string()));
  prepare(rule, id, named.value_or(phase));
  const std::string action = rule.value("do", "answer");
  if (action == "hang") sleep_for_ever();
  if (action == "silent") mouth_.be_silent(), sleep_for_ever();
  if (action == "abort") std::abort();
  if (action == "segv") end_by(SIGSEGV);
  if (action == "bus") end_by(SIGBUS);
  if (action == "kill") end_by(SIGKILL);
  if (action == "exit") _exit(rule.value("code", 1));
  if (action == "close") mouth_.be_silent(), close(kEventFd), sleep_for_ever();
  if (action == "junk") mouth_.say_line(rule.value("text", "not json")), sleep_for_ever();
  if (action == "oversize") {
    mouth_.say_raw(std::string(std::size_t{17} << 20U, 'x'));
    sleep_for_ever();
  }
  if (action == "truncated") mouth_.be_silent(), mouth_.say_raw(R"({"id":1,"event":"do)"), _exit(0);
  if (action == "fault") {
    const auto code = from_string<FaultCode>(rule.value("code", "bad-request"));
    mouth_.say(id, Fault{code.value_or(FaultCode::bad_request), named.value_or(phase),
                         rule.value("message", "scripted"),
                         rule.value("log", std::vector<std::string>())});
    return true;
  }
  if (action == "wrong-answer") mouth_.say(id, Done{SynthResult{}}), sleep_for_ever();
  if (action == "wrong-id") mouth_.say(id + 1000, Done{UnloadResult{}}), sleep_for_ever();
  if (action == "stale") mouth_.say(id - 1, Done{SynthResult{}});
  while (action == "busy") {
    mouth_.say(id, Progress{phase, 0.5});
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (action == "eat") {
    const std::vector<char> eaten(rule.value("bytes", std::size_t{0}), 'x');
    sleep_for_ever();
  }
  return false;
}

// ---- answers
// ---------------------------------------------------------------------------------------------

std::vector<Device> ScriptedWorker::devices() const {
  std::vector<Device> result;
  const Json fallback = Json::array({{{"id", "GPU0"}}});
  for (const Json& item : script_.value("devices", fallback)) {
    Device device;
    device.id = item.value("id", "GPU0");
    device.description = item.value("description", "scripted device");
    device.backend = item.value("backend", "SCRIPTED");
    device.type = from_string<DeviceType>(item.value("type", "gpu")).value_or(DeviceType::gpu);
    if (item.contains("pci_bus_id")) device.pci_bus_id = item.at("pci_bus_id").get<std::string>();
    device.memory_total_bytes = item.value("total_bytes", std::uint64_t{8'000'000'000});
    device.memory_free_bytes = item.value("free_bytes", std::uint64_t{7'900'000'000});
    result.push_back(std::move(device));
  }
  result.push_back({"CPU", "scripted processor", "CPU", DeviceType::cpu, Absence{"not on a bus"},
                    std::uint64_t{16'000'000'000}, std::uint64_t{12'000'000'000}});
  return result;
}

ModelInfo ScriptedWorker::model() const {
  const Json script = member(script_, "model");
  ModelInfo model;
  model.architecture = script.value("architecture", "llama");
  model.name = script.value("name", "scripted");
  model.quantization = "Q4_K - Medium";
  model.n_layer = blocks();
  model.n_ctx_train = script.value("n_ctx_train", 4096);
  model.n_embd = 2048;
  model.n_head = 32;
  model.n_head_kv = 4;
  model.n_ff = 5632;
  model.n_vocab = kVocab;
  model.recurrent = script.value("recurrent", false);
  const std::uint64_t each = script.value("bytes_per_layer", std::uint64_t{30'000'000});
  for (int block = 0; block < blocks(); ++block) model.layers.push_back({block, each, 0});
  model.non_layer_bytes = script.value("non_layer_bytes", std::uint64_t{100'000'000});
  model.size_bytes = each * static_cast<std::uint64_t>(blocks()) + model.non_layer_bytes;
  model.n_params = model.size_bytes * 2;
  model.fingerprint = "scripted";
  return model;
}

MemoryMap ScriptedWorker::memory() const {
  const ModelInfo info = model();
  const Json script = member(script_, "memory");
  const auto all = static_cast<std::uint64_t>(info.offloadable_layers());
  const auto on_device = static_cast<std::uint64_t>(layers_);
  const auto share = [&](std::uint64_t bytes) { return bytes / all * on_device; };
  const std::uint64_t context =
      script.value("context_bytes_per_token", std::uint64_t{20'000}) * context_.n_ctx;
  const std::uint64_t compute =
      script.value("compute_bytes_per_ubatch_token", std::uint64_t{100'000}) * context_.n_ubatch;
  const std::uint64_t offloaded = share(info.size_bytes);
  const std::uint64_t left =
      std::min(offloaded, script.value("weights_left_on_host_bytes", std::uint64_t{0}));
  MemoryMap map = {{kHostDeviceId, info.size_bytes - offloaded + left, context - share(context),
                    layers_ == 0 ? compute : compute / 10, 0}};
  // What 0 layers beside a device put there: nothing as with RPC, or buffers for prompts.
  const auto beside = script.value("beside_bytes", std::uint64_t{0});
  if (layers_ > 0) {
    map.push_back({device_, offloaded - left, share(context), compute, 0});
  } else if (beside > 0 && device_ != kNoDevice) {
    map.push_back({device_, 0, 0, beside, 0});
  }
  return map;
}

std::string ScriptedWorker::slice_problem(const Slice& slice) const {
  const bool inside = slice.n_blocks > 0 && std::uint64_t{slice.first_block} + slice.n_blocks <=
                                                static_cast<std::uint64_t>(blocks());
  return inside && slice.vocab_rows <= kVocab ? "" : "the scripted model has no such slice";
}

SliceBytes ScriptedWorker::slice_bytes() const {
  const ModelInfo info = model();
  SliceBytes bytes;
  for (std::uint32_t i = 0; i < slice_->n_blocks; ++i) {
    bytes.block_bytes += info.layers[slice_->first_block + i].bytes;
  }
  const double kept = static_cast<double>(info.non_layer_bytes) * vocab_share();
  bytes.output_bytes = static_cast<std::uint64_t>(kept / 2);
  bytes.total_bytes = bytes.block_bytes + static_cast<std::uint64_t>(kept);
  return bytes;
}

// A token's time without noise.
double ScriptedWorker::machine_ms() const {
  const Json speed = member(script_, "speed");
  if (speed.contains("linear")) {
    const Json& linear = speed.at("linear");
    const auto cost = [&](const char* name) { return linear.value(name, 0.0); };
    const bool any = layers_ > 0;
    const int on_device = std::max(0, layers_ - 1);
    return cost("fixed_ms") + (any ? cost("crossing_ms") : 0) +
           cost(any ? "gpu_output_ms" : "cpu_output_ms") * vocab_share() +
           cost("cpu_block_ms") * (loaded_blocks() - on_device) + cost("gpu_block_ms") * on_device;
  }
  const double cpu = speed.value("cpu_ms", 40.0);
  const double gpu = speed.value("gpu_ms", 5.0);
  const double share = static_cast<double>(layers_) / (loaded_blocks() + 1);
  return (cpu + (gpu - cpu) * share) * loaded_blocks() / blocks();
}

// As the kernel counts it: the time this thread was ready to run and had no processor.
void ScriptedWorker::wait_for_a_processor(Sample& sample) {
  const char* const root = std::getenv("SWEETSPOT_SYSFS_ROOT");
  const Json starved = member(script_, "starved");
  if (root == nullptr || starved.empty()) return;
  const Json& starts = starved.at("starts");
  if (contains(starts, static_cast<std::int64_t>(start_number_))) {
    const double ms = sample.duration_ms;
    sample.duration_ms /= 1 - starved.value("share", 0.5);
    waited_ms_ += sample.duration_ms - ms;
  }
  tell_waited_ms(root);
}

void ScriptedWorker::tell_waited_ms(const std::string& root) const {
  const std::string pid = std::to_string(::getpid());
  const std::string folder = root + "/proc/" + pid + "/task/" + pid;
  std::filesystem::create_directories(folder);
  // As a whole or not at all: it is read at any moment.
  std::ofstream(folder + "/new") << "0 " << static_cast<std::uint64_t>(waited_ms_ * 1e6) << " 1\n";
  std::filesystem::rename(folder + "/new", folder + "/schedstat");
}

double ScriptedWorker::token_ms() {
  const Json speed = member(script_, "speed");
  double ms = machine_ms();
  ms = member(speed, "by_layers").value(std::to_string(layers_), ms);
  const Json ramp = speed.value("ramp", Json::array());
  if (samples_since_load_ < ramp.size()) ms *= 1 + ramp[samples_since_load_].get<double>();
  ++samples_since_load_;
  std::normal_distribution<double> noise(1.0, speed.value("noise", 0.01));
  return std::max(ms * noise(random_), ms / 10);
}

void ScriptedWorker::handle(const HelloRequest& request) {
  for (const std::string& server : request.rpc) {
    static_cast<void>(server);
    mouth_.say(id_, Progress{Phase::rpc_connect, -1});
  }
  if (act_at("hello", Phase::hello)) return;
  if (request.version != kVersion) {
    mouth_.say(id_, Fault{FaultCode::version_mismatch, Phase::hello, "scripted", {}});
    return;
  }
  HelloResult result;
  if (find_rule("hello", "").value("do", "") == "wrong-version") result.version = kVersion + 1;
  result.engine = {"scripted", "scripted", "scripted", "scripted", {"SCRIPTED", "CPU"}, "none"};
  result.devices = devices();
  result.threads = 2;
  done(std::move(result));
}

void ScriptedWorker::handle(const InspectRequest& request) {
  if (act_at("inspect", Phase::inspect)) return;
  InspectResult result{model()};
  result.model.path = request.path;
  // Mostly there is no file, and nothing to compare later.
  for (const Json& file : member(member(script_, "model"), "files")) {
    result.model.files.push_back(
        {file.at("path").get<std::string>(), file.at("size_bytes").get<std::uint64_t>(),
         file.at("mtime_ns").get<std::int64_t>(), file.at("inode").get<std::uint64_t>()});
  }
  done(std::move(result));
}

// What context() would answer for each config, unless a rule at "map" that matches the config acts.
void ScriptedWorker::handle(const MapRequest& request) {
  MapResult result;
  result.loads = 1;
  for (const Config& config : request.configs) {
    layers_ = effective_layers(config.placement.n_gpu_layers, blocks() + 1);
    device_ =
        config.placement.devices.empty() ? devices().front().id : config.placement.devices.front();
    context_ = config.context;
    const Json rule = find_rule("map", "");
    if (rule.value("do", "") == "refuse") {
      result.maps.push_back({{}, 0, rule.value("message", "scripted refusal")});
      continue;
    }
    if (!rule.empty() && act(rule, id_, Phase::plan)) return;
    result.maps.push_back({memory(), context_.n_ctx, {}});
  }
  done(std::move(result));
}

void ScriptedWorker::handle(const LoadRequest& request) {
  if (const std::string problem = request.slice ? slice_problem(*request.slice) : "";
      !problem.empty()) {
    mouth_.say(id_, Fault{FaultCode::bad_request, Phase::load, problem, {}});
    return;
  }
  slice_ = request.slice;
  layers_ = effective_layers(request.placement.n_gpu_layers, loaded_blocks() + 1);
  device_ =
      request.placement.devices.empty() ? devices().front().id : request.placement.devices.front();
  samples_since_load_ = 0;
  if (act_at("load", Phase::load)) return;
  mouth_.say(id_, Progress{Phase::load, 0.5});
  protocol::LoadResult result{0.25, layers_, loaded_blocks() + 1};
  if (slice_) result.slice = slice_bytes();
  done(std::move(result));
}

void ScriptedWorker::handle(const ContextRequest& request) {
  context_ = request.context;
  if (act_at("context", Phase::context)) return;
  has_context_ = true;
  ContextResult result;
  result.seconds = 0.05;
  const int threads = context_.n_threads == 0 ? 2 : context_.n_threads;
  result.effective = {layers_,
                      context_.n_ctx,
                      context_.n_batch,
                      context_.n_ubatch,
                      threads,
                      context_.n_threads_batch == 0 ? threads : context_.n_threads_batch,
                      std::string("off"),
                      context_.type_k,
                      context_.type_v};
  result.memory = memory();
  done(std::move(result));
}

void ScriptedWorker::handle(const MeasureRequest& request) {
  const bool prompt = request.kind == MeasureKind::prompt;
  const std::string kind = prompt ? "prompt" : "generation";
  const Phase phase = prompt ? Phase::prompt : Phase::generation;
  if (act_at("measure", phase, kind)) return;
  if (!has_context_) {
    mouth_.say(id_, Fault{FaultCode::bad_request, phase, "there is no context", {}});
    return;
  }
  if (std::uint64_t{request.cache_tokens} + request.tokens_per_pass > tokens_each()) {
    mouth_.say(id_, Fault{FaultCode::bad_request, phase, "the context is too small", {}});
    return;
  }
  const Json rule = find_rule("measure", kind);
  const Json speed = member(script_, "speed");
  const bool poisoned = rule.value("do", "") == "non-finite";
  const std::uint32_t acts_after = rule.value("after_samples", 0U);
  std::uint32_t sent = 0;
  const bool floods = rule.value("do", "") == "flood";
  while (floods || (sent < request.max_samples && !stop_requested())) {
    const bool now = rule.contains("after_samples") && sent == acts_after;
    if (now && !poisoned && act(rule, id_, phase)) return;
    Sample sample;
    sample.start_ms = clock_ms_;
    sample.tokens = prompt ? request.tokens_per_pass : context_.n_parallel;
    sample.duration_ms = token_ms();
    if (prompt) sample.duration_ms *= speed.value("prompt_factor", 0.05) * sample.tokens;
    clock_ms_ += sample.duration_ms;
    wait_for_a_processor(sample);
    const double real_ms =
        speed.value("real_ms", speed.value("real_time", false) ? sample.duration_ms : 0.0);
    std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(real_ms));
    mouth_.say(id_, SampleEvent{sample, !(poisoned && sent >= acts_after)});
    ++sent;
  }
  const std::uint32_t per_pass = prompt ? 1 : std::max(request.tokens_per_pass, 1U);
  done(MeasureResult{sent / per_pass, 0.01});
}

void ScriptedWorker::handle(const CheckRequest& /*request*/) {
  if (act_at("check", Phase::warm_up)) return;
  const std::string action = find_rule("check", "").value("do", "answer");
  CheckResult result;
  result.logits = member(script_, "check").value("logits", std::vector<float>{1.5F, -2.0F, 0.25F});
  if (action == "shuffled") std::reverse(result.logits.begin(), result.logits.end());
  if (action == "non-finite") {
    result.finite = false;
    result.logits.front() = std::numeric_limits<float>::quiet_NaN();
  }
  done(std::move(result));
}

void ScriptedWorker::handle(const DivergenceRequest& request) {
  if (act_at("divergence", Phase::warm_up)) return;
  const std::uint32_t tokens = request.tokens;
  const bool comparable = request.keep_as_reference || reference_tokens_ == tokens;
  const bool has_room = context_.host_program == HostProgram::libllama;
  if (!has_context_ || !has_room || tokens < 2 || tokens > 256 || !comparable) {
    mouth_.say(id_, Fault{FaultCode::bad_request, Phase::warm_up, "nothing to compare", {}});
    return;
  }
  DivergenceResult result;
  result.positions = tokens - tokens / 2;
  if (request.keep_as_reference) {
    reference_tokens_ = tokens;
  } else {
    const Json script = member(script_, "divergence");
    result.mean = script.value("mean", 0.0);
    result.p99 = script.value("p99", 0.0);
    result.max = script.value("max", 0.0);
    result.same_top = script.value("same_top", 1.0);
  }
  done(std::move(result));
}

void ScriptedWorker::handle(const FullDepthRequest& /*request*/) {
  if (act_at("full-depth", Phase::full_depth)) return;
  mouth_.say(id_, Progress{Phase::full_depth, 0.5});
  done(
      FullDepthResult{context_.n_parallel, tokens_each(), "decode", 0.1, {token_ms(), token_ms()}});
}

void ScriptedWorker::handle(const UnloadRequest& /*request*/) {
  if (act_at("unload", Phase::unload)) return;
  done(UnloadResult{});
}

void ScriptedWorker::handle(const SynthRequest& request) {
  if (act_at("synth", Phase::synth)) return;
  std::ofstream file(request.out_path, std::ios::binary);
  const std::uint64_t bytes = member(script_, "synth").value("bytes", std::uint64_t{1000});
  file << std::string(bytes, 'x');
  done(SynthResult{bytes, 1000, 10});
}

void ScriptedWorker::handle(const ServeRequest& request) {
  if (act_at("serve", Phase::serve)) return;
  mouth_.say(id_, Ready{request.host + ":" + std::to_string(request.port)});
  while (reader_.read_line(std::chrono::milliseconds(-1)).status == ReadStatus::line) {
  }
  _exit(0);
}

}  // namespace

int main() {
  process::ignore_broken_pipes();
  Json script = json_from_environment("SWEETSPOT_SCRIPT");
  const std::size_t start_number = count_start(script);
  ScriptedWorker(std::move(script), start_number).run();
}
