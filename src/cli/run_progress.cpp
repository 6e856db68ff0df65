#include "cli/run_progress.hpp"

#include "cli/environment.hpp"
#include "cli/print.hpp"
#include "ground/clock.hpp"

namespace sweetspot::cli {

RunProgress::RunProgress(const Environment& environment, double expected_trial_seconds)
    : progress_(sink_to(environment.err), environment.stderr_is_terminal,
                stderr_style(environment)) {
  state_.expected_trial_seconds = expected_trial_seconds;
}

void RunProgress::on_event(const profiler::Event& event) {
  if (const auto* trial = std::get_if<profiler::TrialStarted>(&event)) {
    started(*trial);
  } else if (const auto* step = std::get_if<profiler::TrialProgress>(&event)) {
    moved(*step);
  } else if (const auto* done = std::get_if<profiler::TrialFinished>(&event)) {
    ended(*done);
  } else if (const auto* preparing = std::get_if<profiler::Preparing>(&event)) {
    progress_.preparing(preparing->what, preparing->fraction);
  } else {
    progress_.line(std::get<profiler::Notice>(event).text);
  }
}

void RunProgress::started(const profiler::TrialStarted& trial) {
  trial_start_ = Clock::now();
  if (trial.index == 0) run_start_ = trial_start_;
  state_.trials_done = trial.index;
  state_.trials_total = trial.total;
  state_.layers = trial.layers;
  state_.title = trial.title;
  state_.reason = trial.reason;
  state_.phase.reset();
  state_.fraction = -1;
  update_clock();
  progress_.trial_started(state_);
}

void RunProgress::moved(const profiler::TrialProgress& step) {
  state_.phase = step.phase;
  state_.fraction = step.fraction;
  update_clock();
  progress_.update(state_);
}

void RunProgress::ended(const profiler::TrialFinished& trial) {
  update_clock();
  progress_.trial_finished(state_, *trial.trial);
}

void RunProgress::update_clock() {
  const Clock::time_point now = Clock::now();
  state_.seconds_elapsed = seconds_between(run_start_, now);
  state_.seconds_in_trial = seconds_between(trial_start_, now);
}

}  // namespace sweetspot::cli
