#include "engine/conversation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/ranges.hpp"
#include "ground/bytes.hpp"
#include "ground/clock.hpp"
#include "process/host_memory.hpp"

namespace sweetspot::engine {
namespace {

using std::chrono::milliseconds;

// How often a wait looks up: cancelling ends it at once, everything else within this.
constexpr milliseconds kTick(50);
constexpr milliseconds kMemoryCheckEvery(100);
// A child that closed its descriptors is about to end; its exit status says why.
constexpr milliseconds kExitGrace(2000);
constexpr milliseconds kSendTimeout(5000);
// How late a deadline may be noticed where the worker never stops talking.
constexpr double kTalkingGraceSeconds = 1;
// After a cancellation the worker is waited for no longer than this; the kernel finishes the
// killing.
constexpr double kCancelledKillSeconds = 1;
// With less available memory than this, an unexplained SIGKILL is put down to the kernel's
// out-of-memory killer.
constexpr std::uint64_t kPlausiblyExhaustedBytes = 256 * kMiB;

milliseconds to_milliseconds(double seconds) {
  return milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

bool plausible(const Sample& sample) {
  return std::isfinite(sample.start_ms) && std::isfinite(sample.duration_ms) &&
         sample.duration_ms >= 0 && sample.duration_ms <= kMostPlausibleMs && sample.tokens > 0 &&
         holds(kPlausibleTokens, sample.tokens);
}

}  // namespace

Conversation::Conversation(process::Child child, const StartOptions& options)
    : child_(std::move(child)),
      reader_(child_.event_fd()),
      deadlines_(options.deadlines),
      program_(options.program.path),
      cancel_(options.cancel),
      host_reserve_bytes_(options.host_reserve_bytes),
      available_host_bytes_(options.available_host_bytes) {}

bool Conversation::cancelled() const { return cancel_ != nullptr && cancel_->cancelled(); }

Conversation::Wait Conversation::begin(const Ask& ask) {
  Wait wait;
  wait.ask = &ask;
  wait.phase = ask.phase;
  wait.allowed_seconds = ask.seconds;
  wait.begun = wait.since = wait.last_event = Clock::now();
  wait.output_offset = id_ == 0 ? 0 : child_.output().total_bytes();
  wait.oom_kills = process::oom_kill_count();
  return wait;
}

bool Conversation::send(const protocol::Request& request) {
  return protocol::write_line(child_.request_fd(),
                              protocol::encode(protocol::RequestMessage{id_, request}),
                              kSendTimeout)
      .has_value();
}

Outcome<protocol::Event> Conversation::ask(const Ask& ask) {
  Wait wait = begin(ask);
  if (!alive_) {
    return tl::unexpected(give_up(wait, Evidence{.violation = "it was asked after it had ended"}));
  }
  ++id_;
  // A child that does not read may still have told why; waiting finds out.
  send(ask.request);
  return wait_for_answer(wait);
}

Failure Conversation::listen(Phase phase) {
  const Ask nothing{.phase = phase, .seconds = std::numeric_limits<double>::infinity()};
  Wait wait = begin(nothing);
  if (!alive_) return give_up(wait, Evidence{.violation = "it was listened to after it had ended"});
  auto outcome = wait_for_answer(wait);
  if (!outcome) return std::move(outcome.error());
  return give_up(wait, Evidence{.violation = "it answered what nobody had asked"});
}

Failure Conversation::reject(Phase phase, const std::string& violation) {
  Wait wait;
  wait.phase = phase;
  return give_up(wait, Evidence{.violation = violation});
}

Outcome<protocol::Event> Conversation::wait_for_answer(Wait& wait) {
  const int wake_fd = cancel_ == nullptr ? -1 : cancel_->fd();
  for (;;) {
    protocol::ReadResult read = reader_.read_line(kTick, wake_fd);
    if (cancelled()) return tl::unexpected(give_up(wait, Evidence{.cancelled = true}));
    switch (read.status) {
      case protocol::ReadStatus::line:
        if (auto answer = hear(wait, read.line)) return *std::move(answer);
        break;
      case protocol::ReadStatus::closed:
        return tl::unexpected(report_death(wait));
      case protocol::ReadStatus::too_long:
        return tl::unexpected(give_up(wait, Evidence{.violation = "a line without an end"}));
      case protocol::ReadStatus::timeout:
        // A descendant may hold the descriptors of a child that is gone.
        if (child_.exit_status()) return tl::unexpected(report_death(wait));
        break;
      case protocol::ReadStatus::woken:
        break;
    }
    const bool idle = read.status == protocol::ReadStatus::timeout;
    if (auto failure = check_limits(wait, idle)) return tl::unexpected(*std::move(failure));
  }
}

// Nothing to return: the wait goes on.
std::optional<Outcome<protocol::Event>> Conversation::hear(Wait& wait, const std::string& line) {
  const auto message = protocol::decode_event(line);
  if (!message) {
    return tl::unexpected(
        give_up(wait, Evidence{.violation = "not a message: " + message.error().message}));
  }
  wait.last_event = Clock::now();
  if (wait.phase == Phase::start) {
    wait.phase = Phase::hello;
    wait.since = wait.last_event;
    wait.allowed_seconds = deadlines_.hello_seconds;
  }
  if (std::holds_alternative<protocol::Heartbeat>(message->event)) return std::nullopt;
  // What is left of a request that ended early, such as samples sent before a stop arrived.
  if (message->id < id_) return std::nullopt;
  if (message->id > id_) {
    return tl::unexpected(give_up(wait, Evidence{.violation = "an answer to no request"}));
  }
  if (const auto* progress = std::get_if<protocol::Progress>(&message->event)) {
    hear_progress(wait, *progress, deadlines_);
    return std::nullopt;
  }
  if (const auto* sample = std::get_if<protocol::SampleEvent>(&message->event)) {
    return hear_sample(wait, *sample);
  }
  if (const auto* fault = std::get_if<protocol::Fault>(&message->event)) {
    return tl::unexpected(report_fault(wait, *fault));
  }
  return message->event;
}

void Conversation::hear_progress(Wait& wait, const protocol::Progress& progress,
                                 const Deadlines& deadlines) {
  const bool greeting = wait.phase == Phase::hello || wait.phase == Phase::rpc_connect;
  if (greeting && (progress.phase == Phase::rpc_connect || progress.phase == Phase::hello)) {
    wait.phase = progress.phase;
    wait.since = wait.last_event;
    wait.allowed_seconds =
        progress.phase == Phase::hello ? deadlines.hello_seconds : deadlines.rpc_connect_seconds;
  }
  if (wait.ask->step_wise && !wait.stop_sent) wait.since = wait.last_event;
  if (wait.ask->on_progress) wait.ask->on_progress(progress);
}

std::optional<Outcome<protocol::Event>> Conversation::hear_sample(
    Wait& wait, const protocol::SampleEvent& event) {
  if (!wait.ask->on_sample) {
    return tl::unexpected(give_up(wait, Evidence{.violation = "a sample that was not asked for"}));
  }
  if (!event.finite) return tl::unexpected(give_up(wait, Evidence{.non_finite = true}));
  if (!plausible(event.sample)) {
    return tl::unexpected(give_up(wait, Evidence{.violation = "a sample that cannot be"}));
  }
  if (++wait.samples > wait.ask->max_samples) {
    return tl::unexpected(give_up(wait, Evidence{.violation = "more samples than were asked for"}));
  }
  // Samples that were under way when it was told to stop still arrive; they do not extend its time.
  if (wait.stop_sent) return std::nullopt;
  wait.since = Clock::now();
  if (!wait.ask->on_sample(event.sample)) {
    wait.stop_sent = true;
    send(protocol::StopRequest{});
  }
  return std::nullopt;
}

// Deadlines count while the worker has nothing to say: what it said in time, but we read late
// because this process was stopped or starved, is not late.
std::optional<Failure> Conversation::check_limits(Wait& wait, bool idle) {
  const auto now = Clock::now();
  if (now - memory_checked_ >= kMemoryCheckEvery) {
    memory_checked_ = now;
    if (memory_is_short(wait)) return give_up(wait, Evidence{.killed_for_host_memory = true});
  }
  const double longest = wait.ask->longest_seconds;
  if (seconds_between(wait.begun, now) > longest) {
    return give_up(wait, Evidence{.overdue = Overdue{longest, false}});
  }
  const double waited = seconds_between(wait.since, now);
  const double allowed = wait.allowed_seconds + (idle ? 0 : kTalkingGraceSeconds);
  if (waited > allowed) {
    return give_up(wait, Evidence{.overdue = Overdue{wait.allowed_seconds, false}});
  }
  const bool started = wait.phase != Phase::start;
  if (idle && started && seconds_between(wait.last_event, now) > deadlines_.silence_seconds) {
    return give_up(wait, Evidence{.overdue = Overdue{deadlines_.silence_seconds, true}});
  }
  return std::nullopt;
}

bool Conversation::memory_is_short(Wait& wait) {
  const auto available =
      available_host_bytes_ ? available_host_bytes_() : std::optional<std::uint64_t>();
  if (!available) return false;
  if (*available < std::max(host_reserve_bytes_, kPlausiblyExhaustedBytes))
    wait.memory_was_low = true;
  return *available < host_reserve_bytes_;
}

Failure Conversation::report_fault(const Wait& wait, const protocol::Fault& fault) {
  child_.output().settle(milliseconds(50));
  Evidence evidence;
  evidence.fault = fault;
  evidence.phase = fault.phase == Phase::rpc_connect ? fault.phase : wait.phase;
  evidence.stderr_tail = child_.output().text(wait.output_offset);
  return classify(evidence);
}

Failure Conversation::report_death(const Wait& wait) {
  Evidence evidence;
  evidence.exit = child_.wait_exit(kExitGrace);
  if (!evidence.exit) evidence.violation = "it closed its side without ending";
  const auto oom_kills = process::oom_kill_count();
  evidence.host_memory_was_low =
      wait.memory_was_low || (oom_kills && wait.oom_kills && *oom_kills > *wait.oom_kills);
  return give_up(wait, std::move(evidence));
}

Failure Conversation::give_up(const Wait& wait, Evidence evidence) {
  end();
  evidence.phase = wait.phase;
  evidence.program = program_;
  evidence.stderr_tail = child_.output().text(wait.output_offset);
  return classify(evidence);
}

bool Conversation::end() {
  if (!alive_ && !stuck_) return true;
  const double seconds = cancelled() ? std::min(deadlines_.kill_seconds, kCancelledKillSeconds)
                                     : deadlines_.kill_seconds;
  if (alive_ && deadlines_.leave_seconds > 0) {
    child_.end_requests();
    static_cast<void>(child_.wait_exit(to_milliseconds(deadlines_.leave_seconds)));
  }
  alive_ = false;
  stuck_ = !child_.kill_tree(to_milliseconds(seconds));
  return !stuck_;
}

}  // namespace sweetspot::engine
