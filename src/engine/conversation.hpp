// Internal to this room: one request at a time to a child process, and every way that can end.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "core/error.hpp"
#include "engine/failure.hpp"
#include "engine/worker.hpp"
#include "process/child.hpp"
#include "protocol/channel.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::engine {

/// A request with what its answer may take.
struct Ask {
  protocol::Request request = protocol::StopRequest{};
  Phase phase = Phase::start;
  double seconds = 0;      ///< allowed; for the whole request, or from step to step
  bool step_wise = false;  ///< a sample or a sign of progress starts the time again
  double longest_seconds = std::numeric_limits<double>::infinity();  ///< all steps together
  std::uint32_t max_samples = 0;                                     ///< more break the protocol
  ProgressFn on_progress = {};
  OnSample on_sample = {};
};

/// Owns the child. After any failure but a fault the child has been ended.
class Conversation {
 public:
  Conversation(process::Child child, const StartOptions& options);

  /// The `done` or `ready` that answers the request.
  Outcome<protocol::Event> ask(const Ask& ask);

  /// Listens without having asked, until the worker dies or the run is cancelled.
  Failure listen(Phase phase);

  /// Ends the child because of what it said.
  Failure reject(Phase phase, const std::string& violation);

  bool end();
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool stuck() const { return stuck_; }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }

 private:
  using Clock = std::chrono::steady_clock;

  // The state of one wait.
  struct Wait {
    const Ask* ask = nullptr;
    Phase phase = Phase::start;
    double allowed_seconds = 0;  // infinite: no deadline
    Clock::time_point begun;
    Clock::time_point since;  // when the allowed time began
    Clock::time_point last_event;
    std::uint64_t output_offset = 0;  // what was printed before is no evidence
    std::optional<std::uint64_t> oom_kills;
    bool memory_was_low = false;
    std::uint32_t samples = 0;
    bool stop_sent = false;
  };

  Wait begin(const Ask& ask);
  Outcome<protocol::Event> wait_for_answer(Wait& wait);
  std::optional<Outcome<protocol::Event>> hear(Wait& wait, const std::string& line);
  std::optional<Outcome<protocol::Event>> hear_sample(Wait& wait,
                                                      const protocol::SampleEvent& event);
  static void hear_progress(Wait& wait, const protocol::Progress& progress,
                            const Deadlines& deadlines);
  std::optional<Failure> check_limits(Wait& wait, bool idle);
  bool memory_is_short(Wait& wait);
  Failure report_fault(const Wait& wait, const protocol::Fault& fault);
  Failure report_death(const Wait& wait);
  Failure give_up(const Wait& wait, Evidence evidence);
  [[nodiscard]] bool cancelled() const;
  bool send(const protocol::Request& request);

  process::Child child_;
  protocol::LineReader reader_;
  Deadlines deadlines_;
  std::string program_;
  process::CancelToken* cancel_;
  std::uint64_t host_reserve_bytes_;
  std::function<std::optional<std::uint64_t>()> available_host_bytes_;
  Clock::time_point memory_checked_;
  std::uint64_t id_ = 0;
  bool alive_ = true;
  bool stuck_ = false;
};

}  // namespace sweetspot::engine
