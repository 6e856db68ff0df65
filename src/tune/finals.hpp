// Winner and baseline in turn, until the interval of their ratio leaves 1 or the rounds are used
// up: both loaded at once where there is room for them (in_turn.hpp), else loaded one after the
// other. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"
#include "tune/arms.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// Not thread safe.
class Finals {
 public:
  Finals(Config baseline, const Rules& rules) : baseline_(std::move(baseline)), rules_(rules) {}

  /// The next step, or nothing when it is decided. Begins with what is loaded (`loaded`): what
  /// drifts evenly over the rounds cancels.
  [[nodiscard]] std::optional<Step> ask(const Arms& arms, const std::optional<Placement>& loaded);

  /// What became of it, the arms having been told. `usual_cost`: the least that config cost before.
  void tell(const Trial& trial, const Arm& arm, std::size_t index,
            const std::optional<double>& usual_cost);

  /// Whether the trial told last is of one that is to take turns now, with Step::in_turn_with.
  [[nodiscard]] bool awaits_turns() const { return has_room_ && half_round_.has_value(); }

  /// What came of the turns; nothing where they could not be taken: from then on each is loaded for
  /// itself. `baseline_index`: of the baseline's trial.
  void tell_turns(const std::optional<Turns>& turns, std::size_t baseline_index);

  /// Whether a trial is so slow that it says nothing of its config: a neighbour's doing.
  [[nodiscard]] bool is_slow(double cost, const std::optional<double>& usual_cost) const;

  /// What was measured of it spilled, as later trials showed: where it is the finalist, the next
  /// best takes its place.
  void know_spilled(const Config& config);

  /// No time is left to wait for neighbours to go: rounds count as they come.
  void hurry();

  /// It was disturbed: it says nothing.
  void tell_disturbed();

  [[nodiscard]] const std::optional<Config>& finalist() const { return finalist_; }
  [[nodiscard]] const std::vector<TuneRound>& rounds() const { return rounds_; }

  /// The geometric mean over the rounds, with the interval that the trials' samples give or, from
  /// three rounds on, that of their agreement where it is narrower; never narrower than rounds of
  /// one pair differ. A prompt measured a few times per trial has its spread from all rounds of
  /// that config (few_samples.hpp). Nothing before the first round.
  [[nodiscard]] std::optional<Estimate> speed_up() const;

 private:
  /// The first of the two trials of a round.
  struct HalfRound {
    Trial trial;
    double cost = 0;
    std::size_t index = 0;
  };

  [[nodiscard]] bool is_decided() const;
  [[nodiscard]] std::size_t fewest_rounds() const;
  void choose_finalist(const Arms& arms);
  [[nodiscard]] Step step_with_turns(const std::string& number, const Arm* winner) const;
  [[nodiscard]] double variance_within() const;
  [[nodiscard]] double variance_within_trials() const;
  void void_round();
  void drop_finalist();

  Config baseline_;
  Rules rules_;
  std::optional<Config> finalist_;
  std::vector<TuneRound> rounds_;
  std::vector<Trial> trials_;  ///< of rounds that had no turns: of both, one after the other
  std::size_t chosen_by_ = 0;  ///< the finalist's trial until then
  bool has_room_ = false;      ///< there is room for both
  double usual_ratio_ = 1;     ///< of the least that both cost before, baseline / winner
  std::optional<HalfRound> half_round_;
  int slow_in_a_row_ = 0;      ///< trials that were far slower than that config was before
  int slow_rounds_ = 0;        ///< that said nothing for it
  bool switch_sides_ = false;  ///< the next round begins with what is not loaded
  int disturbed_ = 0;          ///< trials that a driver called so
};

}  // namespace sweetspot::tune
