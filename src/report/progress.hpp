// How far a run is: one live line on a terminal, plain lines elsewhere.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/trial.hpp"
#include "report/live_line.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// A moment of a run. Times are the caller's: this room has no clock.
struct ProgressState {
  std::size_t trials_done = 0;
  std::size_t trials_total = 0;  ///< 0 where nobody knows
  int layers = 0;                ///< effective layers of the trial under way
  std::string title;             ///< what tells it from the others; empty = its layers
  std::string reason;            ///< what it decides; may be empty
  std::optional<Phase> phase;    ///< what it is doing
  double fraction = -1;          ///< of that phase, 0..1; negative where unknown
  double seconds_elapsed = 0;    ///< since the first trial began
  double seconds_in_trial = 0;   ///< since the one under way began
  double expected_trial_seconds =
      0;  ///< what a trial may take at most, used until one has finished
};

/// Time left: the trials to come at the mean of the finished ones (before that, at what is
/// expected), plus what the one under way has left of that. Absent where neither is known.
std::optional<double> seconds_left(const ProgressState& state);

/// The live line, at most style.width columns, without newline.
std::string render(const ProgressState& state, const Style& style);

/// "33 layers: 35.2 ±0.3 tok/s" or "33 layers: failed: out-of-device-memory"; `title` instead of
/// the layers where there is one.
std::string trial_line(const Trial& trial, const std::string& title = {});

/// Writes progress to a sink. Live: one line redrawn in place and gone after finish(). Otherwise
/// one plain line when a trial starts and one when it ends. Not thread safe. It ends as
/// finish() does.
class Progress {
 public:
  Progress(Sink sink, bool live, Style style);

  /// Work before the first trial; `fraction` 0..1, negative where unknown. Plain output gets one
  /// line for each that begins.
  void preparing(std::string_view what, double fraction);
  void trial_started(const ProgressState& state);
  /// Redraws the live line where it changed; plain output ignores it. Cheap enough for every event.
  void update(const ProgressState& state);
  /// `state` is that of the moment before: trials_done does not count `trial` yet.
  void trial_finished(const ProgressState& state, const Trial& trial);
  /// A line of its own, in both modes; the live line moves below it. `text` is shown as it is.
  void line(std::string_view text);
  /// Takes the live line away. Nothing is drawn until the next call.
  void finish();

 private:
  Sink sink_;
  bool live_;
  Style style_;
  LiveLine line_;
};

}  // namespace sweetspot::report
