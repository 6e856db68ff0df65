// A worker on a pretended machine: speaks the real protocol, answers from machine/machine.hpp.
//
// SWEETSPOT_MACHINE describes the machine as machine/machine_json.hpp says, as JSON or
// "@/path/to/file". One more member:
//   "clock_file": "/path"    the virtual clock goes on there from one worker process to the next
//
// Samples carry virtual durations and are sent at once, so a run that would take an hour takes a
// second. Deadlines, heartbeats and the order of messages are the real ones. Slices, divergence,
// synth and serve are not simulated: they are refused as bad requests.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "machine/answers.hpp"
#include "machine/machine.hpp"
#include "machine/machine_json.hpp"
#include "machine/session.hpp"
#include "process/cancel.hpp"
#include "protocol/channel.hpp"
#include "protocol/messages.hpp"
#include "worker_plumbing.hpp"

namespace {

using namespace sweetspot;            // NOLINT(google-build-using-namespace): a program
using namespace sweetspot::protocol;  // NOLINT(google-build-using-namespace)
using fake::Mouth;

constexpr auto kHeartbeatEvery = std::chrono::milliseconds(500);

fake::SessionState read_clock(const std::string& path) {
  std::ifstream file(path);
  if (!file) return {};
  const Json json = Json::parse(file);
  return {json.at("seconds"), json.at("heat_seconds"), json.at("loads"), json.at("file_was_read")};
}

void write_clock(const std::string& path, const fake::SessionState& state) {
  std::ofstream file(path, std::ios::trunc);
  file << dump({{"seconds", state.seconds},
                {"heat_seconds", state.heat_seconds},
                {"loads", state.loads},
                {"file_was_read", state.file_was_read}});
}

// The lines that libraries print when memory runs out; core/clues.cpp knows them.
std::string last_words(const Failure& failure) {
  if (failure.failure_class == FailureClass::out_of_host_memory) {
    return "ggml_aligned_malloc: insufficient memory (attempted to allocate 1.00 MB)";
  }
  if (failure.failure_class == FailureClass::out_of_device_memory) {
    return "ggml_backend_pretended_buffer_type_alloc_buffer: cudaMalloc failed: out of memory";
  }
  return "llama_init_from_model: " + failure.message;
}

class SimulatedWorker {
 public:
  SimulatedWorker(const fake::Machine& machine, std::uint64_t seed, std::string clock_file)
      : machine_(machine),
        clock_file_(std::move(clock_file)),
        session_(machine, seed,
                 clock_file_.empty() ? fake::SessionState{} : read_clock(clock_file_)) {}

  // Ends with the process, when the supervisor closes the request pipe.
  [[noreturn]] void run() {
    std::thread([this] { mouth_.beat(kHeartbeatEvery); }).detach();
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
  void handle(const HelloRequest& request);
  void handle(const InspectRequest& request);
  void handle(const MapRequest& request);
  void handle(const LoadRequest& request);
  void handle(const ContextRequest& request);
  void handle(const MeasureRequest& request);
  void handle(const CheckRequest& request);
  void handle(const FullDepthRequest& request);
  void handle(const UnloadRequest& request);
  void handle(const StopRequest& /*request*/) {}  // nothing is in flight: too late, no answer
  template <typename Other>
  void handle(const Other& /*request*/) {
    refuse(Phase::start, "the simulated worker does not do this");
  }

  void done(ResultBody result) {
    if (!clock_file_.empty()) write_clock(clock_file_, session_.state());
    mouth_.say(id_, Done{std::move(result)});
  }
  void refuse(Phase phase, const std::string& why) {
    mouth_.say(id_, Fault{FaultCode::bad_request, phase, why, {}});
  }
  void fail(FaultCode code, const Failure& failure) {
    if (!clock_file_.empty()) write_clock(clock_file_, session_.state());
    mouth_.say(id_, Fault{code, failure.phase, failure.message, {last_words(failure)}});
  }
  // A device that runs out of memory while it computes ends the process, as CUDA's backend does.
  [[noreturn]] void die(const Failure& failure) {
    if (!clock_file_.empty()) write_clock(clock_file_, session_.state());
    std::fprintf(stderr, "CUDA error: out of memory\n  %s\n", failure.message.c_str());
    std::abort();
  }

  const fake::Machine& machine_;
  std::string clock_file_;
  fake::Session session_;
  Mouth mouth_;
  LineReader reader_{kRequestFd};
  std::uint64_t id_ = 0;
  bool loaded_ = false;
};

void SimulatedWorker::handle(const HelloRequest& request) {
  if (request.version != kVersion) {
    mouth_.say(id_, Fault{FaultCode::version_mismatch, Phase::hello, "simulated", {}});
    return;
  }
  HelloResult result;
  result.engine = {
      "simulated", "simulated", "simulated", "simulated", {machine_.parts().device.backend, "CPU"},
      "none"};
  result.devices = machine_.devices();
  result.threads = machine_.parts().processor.physical_cores;
  done(std::move(result));
}

void SimulatedWorker::handle(const InspectRequest& request) {
  InspectResult result{fake::info_of(machine_.model())};
  result.model.path = request.path;  // there is no file: nothing to compare later
  done(std::move(result));
}

void SimulatedWorker::handle(const MapRequest& request) {
  MapResult result;
  result.loads = 1;
  for (const Config& config : request.configs) {
    result.maps.push_back(fake::planned_memory(machine_, config));
  }
  done(std::move(result));
}

void SimulatedWorker::handle(const LoadRequest& request) {
  if (loaded_) return refuse(Phase::load, "a model is loaded already");
  if (request.slice) return refuse(Phase::load, "the simulated worker has no slices");
  auto loaded = fake::load(machine_, session_, request.placement);
  if (!loaded) return fail(FaultCode::model_null, loaded.error());
  loaded_ = true;
  done(*std::move(loaded));
}

void SimulatedWorker::handle(const ContextRequest& request) {
  if (!loaded_) return refuse(Phase::context, "there is no model");
  auto made = fake::make_context(machine_, session_, request.context);
  if (!made) return fail(FaultCode::context_null, made.error());
  done(*std::move(made));
}

void SimulatedWorker::handle(const MeasureRequest& request) {
  const bool prompt = request.kind == MeasureKind::prompt;
  const Phase phase = prompt ? Phase::prompt : Phase::generation;
  if (!session_.has_context()) return refuse(phase, "there is no context");
  if (request.tokens_per_pass == 0) return refuse(phase, "a pass needs at least one token");
  const ContextSettings& context = session_.config().context;
  if (std::uint64_t{request.cache_tokens} + request.tokens_per_pass >
      fake::rounded_context(context.n_ctx) / context.n_parallel) {
    return refuse(phase, "the context is too small for a pass");
  }
  const auto measured = fake::measure(session_, request, [this](const Sample& sample) {
    mouth_.say(id_, SampleEvent{sample, true});
    return !fake::stop_requested(reader_);
  });
  if (!measured) die(measured.error());
  done(*measured);
}

void SimulatedWorker::handle(const CheckRequest& /*request*/) {
  if (!session_.has_context()) return refuse(Phase::warm_up, "there is no context");
  auto checked = fake::check(session_);
  if (!checked) die(checked.error());
  done(*std::move(checked));
}

void SimulatedWorker::handle(const FullDepthRequest& /*request*/) {
  if (!session_.has_context()) return refuse(Phase::full_depth, "there is no context");
  auto filled = fake::full_depth(machine_, session_);
  if (!filled) die(filled.error());
  done(*std::move(filled));
}

void SimulatedWorker::handle(const UnloadRequest& /*request*/) {
  loaded_ = false;
  done(UnloadResult{});
}

}  // namespace

int main() {
  process::ignore_broken_pipes();
  // A sample that the supervisor no longer wants has still moved the clock; a small pipe keeps the
  // worker from running far ahead of it.
  constexpr int kPipeBytes = 4096;
  static_cast<void>(fcntl(kEventFd, F_SETPIPE_SZ, kPipeBytes));
  const Json json = fake::json_from_environment("SWEETSPOT_MACHINE");
  auto parts = fake::parts_from_json(json);
  if (!parts) {
    std::fprintf(stderr, "SWEETSPOT_MACHINE: %s\n", parts.error().message.c_str());
    return 2;
  }
  const fake::Machine machine(*std::move(parts));
  SimulatedWorker(machine, json.value("seed", std::uint64_t{1}), json.value("clock_file", ""))
      .run();
}
