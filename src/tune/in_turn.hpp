// Winner and baseline while both are loaded: which pass they make next, one right after the other,
// and when enough is known. Whatever drifts slower than a turn drifts in both alike and leaves
// their ratio as it is. Pure.
#pragma once

#include <cstddef>
#include <optional>

#include "core/trial.hpp"
#include "core/tune_record.hpp"
#include "tune/config_shape.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// Cost of the baseline / cost of the winner by what both took in turn, of these two loads. The
/// interval is wide enough to be looked at as often as InTurn does. Nothing before every pass that
/// counts was made.
std::optional<Estimate> speed_up_of(const Turns& turns, const Rules& rules);

/// Time of the baseline / time of the winner in one pass, 95 %; nothing without turns.
std::optional<Estimate> ratio_of_turns(const PassTurns& turns);

/// Turns of prompts before anything is made of them: a prompt may take a minute.
inline constexpr std::size_t kFewestPrompts = 4;

/// Not thread safe.
class InTurn {
 public:
  /// `max_seconds`: of turns, once there are the fewest that say something. `fewest_prompts`: 1 or
  /// more; of one alone it is other loads that say how far it can be trusted.
  InTurn(const Rules& rules, double max_seconds, std::size_t fewest_prompts = kFewestPrompts)
      : rules_(rules), max_seconds_(max_seconds), fewest_prompts_(fewest_prompts) {}

  /// Which pass is due; nothing when the interval leaves 1 or lies within the tolerance of it, or
  /// the time is up.
  [[nodiscard]] std::optional<Pass> next() const;

  /// Both made the pass, each in a time above 0; it took so long with all that had to be done
  /// before.
  void add(Pass pass, double baseline_ms, double winner_ms, double seconds);

  [[nodiscard]] const Turns& turns() const { return turns_; }

  /// Of the time allowed, 0 to 1.
  [[nodiscard]] double share_of_time() const;

 private:
  [[nodiscard]] std::size_t fewest(Pass pass) const;
  /// The pass that nothing can be made of yet; the prompt first.
  [[nodiscard]] std::optional<Pass> lacking() const;
  void look();

  Rules rules_;
  double max_seconds_;
  std::size_t fewest_prompts_;
  Turns turns_;
  double generation_seconds_ = 0;
  double prompt_seconds_ = 0;
  int looks_ = 0;
  bool finished_ = false;
};

}  // namespace sweetspot::tune
