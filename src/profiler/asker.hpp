// Who says what to measure next: a list, an adaptive sweep, a tune. The loop asks, measures, tells.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/run.hpp"
#include "core/trial.hpp"
#include "profiler/trial_ask.hpp"
#include "profiler/trial_runner.hpp"

namespace sweetspot::profiler {

class Asker {
 public:
  Asker() = default;
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  virtual ~Asker() = default;

  /// The next trial, or nothing when all is decided. Called once before the first trial and once
  /// after each tell().
  virtual std::optional<TrialAsk> ask() = 0;

  /// What became of it: the last of the run's trials, with what all of them together say of it.
  virtual void tell(const Trial& trial, std::size_t index) = 0;

  /// Called after tell(), while what the trial loaded is still held: the asker may have another
  /// config take turns with it.
  virtual void while_held(TrialRunner& /*runner*/, const Run& /*run*/) {}

  /// Puts what it believes and decided into the run; `ended`: why the asking is over, empty as long
  /// as it is not.
  virtual void record(Run& run, const std::string& ended) const = 0;

  /// Why ask() gave nothing.
  [[nodiscard]] virtual std::string why_ended() const = 0;
};

}  // namespace sweetspot::profiler
