#include "engine/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "engine/conversation.hpp"
#include "process/child.hpp"

namespace sweetspot::engine {
namespace {

// The worker's `done` as the result that belongs to its request; anything else breaks the protocol.
template <typename T>
Outcome<T> ask_for(Conversation& conversation, const Ask& ask) {
  auto answer = conversation.ask(ask);
  if (!answer) return tl::unexpected(std::move(answer.error()));
  if (auto* done = std::get_if<protocol::Done>(&*answer)) {
    if (auto* result = std::get_if<T>(&done->result)) return std::move(*result);
  }
  return tl::unexpected(conversation.reject(ask.phase, "an answer to another question"));
}

// With several servers nobody knows which one it was: the user sees all that were asked for.
Failure name_servers(Failure failure, const std::vector<std::string>& rpc) {
  const bool named = std::any_of(rpc.begin(), rpc.end(), [&](const std::string& endpoint) {
    return failure.message.find(endpoint) != std::string::npos;
  });
  if (failure.failure_class == FailureClass::rpc_unreachable && !named) {
    failure.message = fmt::format("{}: {}", fmt::join(rpc, ", "), failure.message);
  }
  return failure;
}

Failure cannot_spawn(const Error& error) {
  Failure failure;
  failure.failure_class =
      error.kind == ErrorKind::host_limit ? FailureClass::host_limit : FailureClass::crashed;
  failure.phase = Phase::start;
  failure.message = error.message + (error.remedy.empty() ? "" : ": " + error.remedy);
  return failure;
}

}  // namespace

struct Worker::State {
  State(process::Child child, const StartOptions& options)
      : deadlines(options.deadlines), conversation(std::move(child), options) {}

  Deadlines deadlines;
  Conversation conversation;
  protocol::HelloResult hello;
  std::uint64_t model_bytes = 0;  // of the last load
  pid_t computing = 0;            // as the last context said; 0 = the worker

  [[nodiscard]] double load_seconds() const {
    return deadlines.load_base_seconds +
           static_cast<double>(model_bytes) / deadlines.load_bytes_per_second;
  }
  /// Of an engine that makes its context as it loads. A user's figure for a load, to which the
  /// size adds nothing, is for both.
  [[nodiscard]] double load_with_context_seconds() const {
    const bool of_user = std::isinf(deadlines.load_bytes_per_second);
    return load_seconds() + (of_user ? 0 : deadlines.context_seconds);
  }
};

Outcome<Worker> Worker::start(const StartOptions& options) {
  process::SpawnOptions spawn;
  spawn.argv = {options.program.path};
  spawn.environment = options.environment;
  spawn.table = options.process_table;
  auto child = process::Child::spawn(spawn);
  if (!child) return tl::unexpected(cannot_spawn(child.error()));

  auto state = std::make_unique<State>(*std::move(child), options);
  const Ask ask{.request = protocol::HelloRequest{protocol::kVersion, options.rpc},
                .phase = Phase::start,
                .seconds = options.deadlines.start_seconds,
                .longest_seconds = options.deadlines.request_seconds};
  auto hello = ask_for<protocol::HelloResult>(state->conversation, ask);
  if (!hello) return tl::unexpected(name_servers(std::move(hello.error()), options.rpc));
  if (hello->version != protocol::kVersion) {
    return tl::unexpected(state->conversation.reject(
        Phase::hello, "it is of another version; install sweetspot and its worker from one build"));
  }
  state->hello = *std::move(hello);
  state->hello.engine.program = options.engine_program;
  state->hello.engine.program_hash = options.engine_hash;
  return Worker(std::move(state));
}

Worker::Worker(std::unique_ptr<State> state) : state_(std::move(state)) {}
Worker::Worker(Worker&&) noexcept = default;

Worker& Worker::operator=(Worker&& other) noexcept {
  if (this != &other) {
    if (state_) end();
    state_ = std::move(other.state_);
  }
  return *this;
}

Worker::~Worker() {
  if (state_ && alive()) end();
}

const protocol::HelloResult& Worker::hello() const { return state_->hello; }

Outcome<protocol::MapResult> Worker::map(const protocol::MapRequest& request,
                                         const ProgressFn& on_progress) {
  const Ask ask{.request = request,
                .phase = Phase::plan,
                .seconds = state_->deadlines.step_seconds,
                .step_wise = true,
                .longest_seconds = state_->deadlines.request_seconds,
                .on_progress = on_progress};
  return ask_for<protocol::MapResult>(state_->conversation, ask);
}

Outcome<ModelInfo> Worker::inspect(const std::string& path, bool header_only) {
  const Ask ask{.request = protocol::InspectRequest{path, header_only},
                .phase = Phase::inspect,
                .seconds = state_->deadlines.inspect_seconds};
  auto result = ask_for<protocol::InspectResult>(state_->conversation, ask);
  if (!result) return tl::unexpected(std::move(result.error()));
  return std::move(result->model);
}

Outcome<protocol::LoadResult> Worker::load(const protocol::LoadRequest& request,
                                           std::uint64_t model_bytes,
                                           const ProgressFn& on_progress) {
  state_->model_bytes = model_bytes;
  const Ask ask{.request = request,
                .phase = Phase::load,
                .seconds = state_->load_seconds(),
                .on_progress = on_progress};
  return ask_for<protocol::LoadResult>(state_->conversation, ask);
}

Outcome<protocol::ContextResult> Worker::context(const ContextSettings& settings) {
  const bool loads = !abilities().keeps_weights;
  const Ask ask{
      .request = protocol::ContextRequest{settings},
      .phase = loads ? Phase::load : Phase::context,
      .seconds = loads ? state_->load_with_context_seconds() : state_->deadlines.context_seconds};
  auto made = ask_for<protocol::ContextResult>(state_->conversation, ask);
  state_->computing = made ? static_cast<pid_t>(made->pid) : 0;
  return made;
}

Outcome<protocol::MeasureResult> Worker::measure(const protocol::MeasureRequest& request,
                                                 Phase phase, const OnSample& on_sample) {
  const Ask ask{.request = request,
                .phase = phase,
                .seconds = state_->deadlines.step_seconds,
                .step_wise = true,
                .longest_seconds = state_->deadlines.request_seconds,
                .max_samples = request.max_samples,
                .on_sample = on_sample};
  return ask_for<protocol::MeasureResult>(state_->conversation, ask);
}

Outcome<protocol::CheckResult> Worker::check() {
  const Ask ask{.request = protocol::CheckRequest{},
                .phase = Phase::warm_up,
                .seconds = state_->deadlines.step_seconds,
                .step_wise = true,
                .longest_seconds = state_->deadlines.request_seconds};
  return ask_for<protocol::CheckResult>(state_->conversation, ask);
}

Outcome<protocol::DivergenceResult> Worker::divergence(const protocol::DivergenceRequest& request) {
  const Ask ask{.request = request,
                .phase = Phase::warm_up,
                .seconds = state_->deadlines.step_seconds,
                .step_wise = true,
                .longest_seconds = state_->deadlines.request_seconds};
  return ask_for<protocol::DivergenceResult>(state_->conversation, ask);
}

Outcome<protocol::FullDepthResult> Worker::full_depth(const ProgressFn& on_progress) {
  const Ask ask{.request = protocol::FullDepthRequest{},
                .phase = Phase::full_depth,
                .seconds = state_->deadlines.full_depth_seconds,
                .on_progress = on_progress};
  return ask_for<protocol::FullDepthResult>(state_->conversation, ask);
}

Outcome<protocol::UnloadResult> Worker::unload() {
  state_->computing = 0;
  const Ask ask{.request = protocol::UnloadRequest{},
                .phase = Phase::unload,
                .seconds = state_->deadlines.context_seconds};
  return ask_for<protocol::UnloadResult>(state_->conversation, ask);
}

Outcome<protocol::SynthResult> Worker::synth(const protocol::SynthRequest& request,
                                             const ProgressFn& on_progress) {
  const Ask ask{.request = request,
                .phase = Phase::synth,
                .seconds = state_->deadlines.step_seconds,
                .step_wise = true,
                .longest_seconds = state_->deadlines.synth_seconds,
                .on_progress = on_progress};
  return ask_for<protocol::SynthResult>(state_->conversation, ask);
}

Outcome<protocol::Ready> Worker::serve(const protocol::ServeRequest& request) {
  const Ask ask{
      .request = request, .phase = Phase::serve, .seconds = state_->deadlines.hello_seconds};
  auto answer = state_->conversation.ask(ask);
  if (!answer) return tl::unexpected(std::move(answer.error()));
  if (auto* ready = std::get_if<protocol::Ready>(&*answer)) return std::move(*ready);
  return tl::unexpected(state_->conversation.reject(Phase::serve, "an answer to another question"));
}

Failure Worker::wait_while_serving() { return state_->conversation.listen(Phase::serve); }

bool Worker::end() { return state_->conversation.end(); }
bool Worker::stuck() const { return state_->conversation.stuck(); }
bool Worker::alive() const { return state_->conversation.alive(); }
pid_t Worker::pid() const {
  return state_->computing > 0 ? state_->computing : state_->conversation.pid();
}

}  // namespace sweetspot::engine
