#include "launch/attempt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "core/text.hpp"
#include "ground/clock.hpp"
#include "launch/probe.hpp"
#include "launch/server_api.hpp"
#include "launch/serving.hpp"
#include "os/socket.hpp"

namespace sweetspot::launch {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLook{20};
constexpr milliseconds kAskPause{100};

milliseconds in_ms(double seconds) {
  return milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace

std::string Attempt::name() const {
  const std::string& path = job_.program.argv.front();
  const std::size_t slash = path.rfind('/');
  return printable(slash == std::string::npos ? path : path.substr(slash + 1));
}

bool Attempt::takes_connections() const {
  constexpr int kConnectTimeoutMs = 1000;
  return os::try_connect(job_.address.ask.host, job_.address.ask.port, kConnectTimeoutMs).empty();
}

std::optional<End> Attempt::start(const std::vector<std::string>& command) {
  started_ = Clock::now();
  if (has_port(job_.program) && takes_connections()) {
    return End{EndKind::hopeless,
               fmt::format("something already listens at {}:{}", job_.address.ask.host,
                           job_.address.ask.port),
               {},
               ErrorKind::usage};
  }
  Result<process::Foreground> program = process::Foreground::start({command, {}});
  if (!program) {
    const Error& why = program.error();
    return End{EndKind::hopeless, why.message, {}, why.kind, why.remedy};
  }
  program_ = *std::move(program);
  return std::nullopt;
}

// False as soon as waiting for an answer makes no sense any more.
bool Attempt::go_on() {
  relay_.pass_on(*program_);
  return !relay_.stopping() && !program_->exit_status();
}

std::optional<AttemptEnd> Attempt::ended(bool healthy) {
  const auto status = program_->exit_status();
  if (!status) return std::nullopt;
  program_->kill_tree();
  // A program that only answers may have answered and ended between two looks.
  healthy = healthy || (!has_port(job_.program) && state_of_cli() == State::working);
  if (relay_.stopping())
    return AttemptEnd{AttemptEnd::What::stopped, {EndKind::exited, {}, status}, healthy};
  return AttemptEnd{AttemptEnd::What::ended,
                    end_of_exit(name(), *status, program_->printed(), healthy), healthy};
}

// A program that never worked has no requests to finish, and the time that would take is needed for
// the next profile.
AttemptEnd Attempt::give_up(End end) {
  constexpr double kMostSeconds = 2;
  stop(std::min(job_.limits.stop_seconds, kMostSeconds));
  return {AttemptEnd::What::ended, std::move(end), false};
}

Attempt::State Attempt::state_of_server() {
  if (job_.program.kind == ProgramKind::other || job_.address.tls) {
    return takes_connections() ? State::working : State::starting;
  }
  const http::Patience patience = {milliseconds(2000), [this] { return go_on(); }};
  return ServerApi(job_.address).healthy(patience) ? State::working : State::starting;
}

// What it prints before its first answer: the prompt, and of llama-cli a banner that ends with
// "> ".
Attempt::State Attempt::state_of_cli() {
  constexpr std::size_t kMoreThanPrompt = 8;
  const std::uint64_t total = program_->standard_output().total_bytes();
  if (job_.program.kind == ProgramKind::other) return total > 0 ? State::working : State::waiting;
  const std::size_t prompt = prompt_bytes(job_.program) + kMoreThanPrompt;
  if (job_.program.kind == ProgramKind::llama_completion) {
    return total > prompt ? State::working : State::waiting;
  }
  const std::string printed = program_->standard_output().text();
  const std::size_t ready = printed.find("\n> ");
  if (ready == std::string::npos) return State::starting;
  return printed.size() > ready + 3 + prompt ? State::working : State::waiting;
}

Attempt::State Attempt::state_of_program() {
  return has_port(job_.program) ? state_of_server() : state_of_cli();
}

std::optional<AttemptEnd> Attempt::wait_healthy(Healthy& healthy) {
  for (;;) {
    relay_.pass_on(*program_);
    if (auto over = ended(false)) return over;
    const State state = relay_.stopping() ? State::waiting : state_of_program();
    if (state == State::working) break;
    if (state == State::starting && seconds_since(started_) > share_.load_seconds) {
      return give_up(end_of_timeout(name(), share_.load_seconds, "was not ready"));
    }
    relay_.sleep(has_port(job_.program) ? kAskPause : kLook);
  }
  healthy.profile = profile_.name;
  const bool asks =
      job_.probe && job_.program.kind == ProgramKind::llama_server && !job_.address.tls;
  std::optional<AttemptEnd> over = asks ? probe_it(healthy) : std::nullopt;
  healthy.seconds = seconds_since(started_);
  return over;
}

std::optional<AttemptEnd> Attempt::probe_it(Healthy& healthy) {
  const ContextSettings& context = profile_.config.context;
  const std::uint32_t slots = context.kv_unified ? 1 : std::max(context.n_parallel, 1U);
  const Probe probed =
      probe(ServerApi(job_.address),
            {share_.probe_seconds, context.n_ctx / slots, task_of(job_.program, profile_),
             piece_of(job_.program, profile_), [this] { return go_on(); }});
  healthy.inputs = probed.task != Task::completion;
  switch (probed.result) {
    case ProbeResult::answered:
    case ProbeResult::slow:
    case ProbeResult::not_possible:
      healthy.depth = probed.depth;
      healthy.doubt = probed.what;
      return std::nullopt;
    case ProbeResult::timed_out:
      return give_up(end_of_timeout(name(), share_.probe_seconds, probed.what));
    case ProbeResult::interrupted:
    case ProbeResult::failed:
      break;
  }
  // A connection breaks a moment before the process that held it is gone.
  constexpr milliseconds kForExit{500};
  if (relay_.stopping()) return wait_end({});
  (void)program_->wait_exit(kForExit);
  if (auto over = ended(false)) return over;
  program_->kill_tree();
  return give_up(end_of_refusal(name(), probed.what, program_->printed()));
}

AttemptEnd Attempt::wait_end(const std::function<std::optional<std::size_t>()>& look) {
  Clock::time_point looked = Clock::now();
  for (;;) {
    relay_.pass_on(*program_);
    if (auto over = ended(true)) return *std::move(over);
    if (look && !relay_.stopping() && seconds_since(looked) >= job_.look_seconds) {
      looked = Clock::now();
      if (const auto to = look(); to && drain()) {
        stop(job_.limits.stop_seconds);
        return {AttemptEnd::What::moved, {}, true, *to};
      }
    }
    relay_.sleep(kLook);
  }
}

// Waits for the requests under way. False where the program ended or a signal came meanwhile.
bool Attempt::drain() {
  if (job_.program.kind != ProgramKind::llama_server || job_.address.tls) return true;
  const Clock::time_point since = Clock::now();
  const ServerApi server(job_.address);
  while (go_on()) {
    const auto slots = server.slots({milliseconds(2000), [this] { return go_on(); }});
    bool busy = false;
    for (const Slot& slot : slots.value_or(std::vector<Slot>{})) busy = busy || slot.processing;
    if (!go_on()) break;
    if (!busy || seconds_since(since) > job_.limits.drain_seconds) return true;
    relay_.sleep(kAskPause);
  }
  return false;
}

void Attempt::stop(double seconds) {
  program_->send(SIGTERM);
  (void)program_->wait_exit(in_ms(seconds));
  program_->kill_tree();
}

}  // namespace sweetspot::launch
