// Internal to this room: signals that we get, on their way to the program.
#pragma once

#include <chrono>

#include "process/foreground.hpp"
#include "process/signal_inbox.hpp"

namespace sweetspot::launch {

class Relay {
 public:
  /// `interactive`: Ctrl-C need not mean the end to the program; llama-cli stops an answer with it.
  Relay(process::SignalInbox& signals, double stop_seconds, bool interactive)
      : signals_(signals), stop_seconds_(stop_seconds), interactive_(interactive) {}

  /// Passes on what waits. A program that is still there long after it was told to end, or after it
  /// was told three times, is ended; by Ctrl-C only one that is not interactive.
  void pass_on(process::Foreground& program);

  /// Takes what waits where no program runs.
  void take();

  /// True once a signal came: when the program ends, so does everything.
  [[nodiscard]] bool stopping() const { return last_signal_ != 0; }
  [[nodiscard]] int last_signal() const { return last_signal_; }

  /// Sleeps, but not past a signal.
  void sleep(std::chrono::milliseconds time) const;

 private:
  void note(const process::CaughtSignal& signal);

  process::SignalInbox& signals_;
  double stop_seconds_;
  bool interactive_;
  int told_ = 0;  // to end
  int last_signal_ = 0;
  std::chrono::steady_clock::time_point since_{};
};

}  // namespace sweetspot::launch
