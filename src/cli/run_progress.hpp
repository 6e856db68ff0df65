// The profiler's events on the progress display.
#pragma once

#include <chrono>

#include "cli/command.hpp"
#include "profiler/events.hpp"
#include "report/progress.hpp"

namespace sweetspot::cli {

class RunProgress {
 public:
  /// `expected_trial_seconds` is used for the time left until a trial has finished.
  RunProgress(const Environment& environment, double expected_trial_seconds);

  void on_event(const profiler::Event& event);
  void finish() { progress_.finish(); }

 private:
  using Clock = std::chrono::steady_clock;

  void started(const profiler::TrialStarted& trial);
  void moved(const profiler::TrialProgress& step);
  void ended(const profiler::TrialFinished& trial);
  void update_clock();

  report::Progress progress_;
  report::ProgressState state_;
  Clock::time_point run_start_{};
  Clock::time_point trial_start_{};
};

}  // namespace sweetspot::cli
