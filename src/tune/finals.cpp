#include "tune/finals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "search/time_model.hpp"
#include "tune/few_samples.hpp"
#include "tune/in_turn.hpp"
#include "tune/request_cost.hpp"
#include "tune/room_for_both.hpp"
#include "tune/rounds.hpp"

namespace sweetspot::tune {
namespace {

// Rounds beyond those of the rules, where the winner is ahead by what is worth having and it still
// cannot be told from chance: the defaults would win, and be slower.
constexpr std::size_t kMoreRounds = 2;

// A trial that is slower by this share than that config was before is measured again, so often in a
// row: it takes no load, and a neighbour may have gone by then. Two loads of one config do not
// differ by so much. After that the round says nothing, as one that a driver calls disturbed, and
// the other side is loaded first: that takes a while. Each such round doubles the share: where it
// is no neighbour but the machine that varies, rounds as they come say more than none, and they
// know their own spread.
constexpr double kSlow = 0.04;
constexpr int kMostAgain = 2;
constexpr int kMostSlowRounds = 3;

}  // namespace

bool Finals::is_decided() const {
  if (disturbed_ > rules_.final_rounds) return true;
  if (rounds_.size() < fewest_rounds()) return false;
  const auto ratio = speed_up();
  if (ratio && (ratio->low > 1 || ratio->high < 1)) return true;
  const auto most = static_cast<std::size_t>(rules_.final_rounds);
  const bool is_ahead = ratio && ratio->value > 1 + rules_.tolerance / 2;
  // Turns leave nothing to chance but what two loads differ by, so where nothing is ahead by now
  // nothing worth having will be.
  if (rounds_.back().turns) return !is_ahead || rounds_.size() >= most;
  if (rounds_.size() < most) return false;
  return !is_ahead || rounds_.size() >= most + kMoreRounds;
}

// Turns that agree with what was measured before are enough. Whoever slows down only one of the
// two, the processor that one of them lives on, is there in all turns of a round: he shows in that
// they do not agree, and may be gone after the next loads.
std::size_t Finals::fewest_rounds() const {
  if (rounds_.empty() || !rounds_.front().turns) return 2;
  return std::abs(rounds_.front().speed_up / usual_ratio_ - 1) > kSlow ? 2 : 1;
}

Step Finals::step_with_turns(const std::string& number, const Arm* winner) const {
  Step step{*finalist_, number + ": the winner", "then it takes turns with the defaults"};
  if (winner != nullptr && !winner->proved) step.extent = Extent::full;
  step.in_turn_with = baseline_;
  step.loads_anew = !rounds_.empty();
  // Its speed was measured a moment ago, and that against the defaults' comes from the turns.
  step.completes = rounds_.empty();
  return step;
}

// What a driver says of power it says of the whole device, so joules are not measured in turns.
void Finals::choose_finalist(const Arms& arms) {
  const Arm* winner = arms.best(baseline_, rules_.tolerance);
  if (winner == nullptr || winner->config == baseline_) return;
  finalist_ = winner->config;
  chosen_by_ = winner->index;
  const Arm* held = arms.find(baseline_);
  has_room_ = held != nullptr && held->cost && rules_.objective != Objective::energy &&
              has_room_for_both(*winner, *held, rules_);
  if (held != nullptr && held->cost) usual_ratio_ = *held->least_cost / *winner->least_cost;
}

std::optional<Step> Finals::ask(const Arms& arms, const std::optional<Placement>& loaded) {
  if (!finalist_) choose_finalist(arms);
  if (!finalist_) return std::nullopt;
  const Arm* winner = arms.find(*finalist_);
  const Arm* held = arms.find(baseline_);
  // Defaults that cannot run or must not be used are nothing to be held against, and a load for a
  // figure on which nothing hangs is not worth it; the winner must still prove itself.
  if (held == nullptr || !(held->may_win() || held->is_only_uncertain())) {
    if (winner->proved) return std::nullopt;
    const bool measured = held != nullptr && held->cost;
    Step proof{*finalist_, "the winner, in full",
               measured ? "the defaults must not be used" : "the defaults could not be measured"};
    proof.extent = Extent::full;
    proof.completes = true;
    return proof;
  }
  if (is_decided()) return std::nullopt;
  const std::string number = fmt::format("final round {}", rounds_.size() + 1);
  if (has_room_ && !half_round_) {
    return step_with_turns(number, winner);
  }
  const std::string why = slow_in_a_row_ > 0 ? "far slower than before: was it a neighbour"
                                             : "winner and defaults in turn";
  const bool baseline_is_due = half_round_ ? half_round_->trial.config != baseline_
                                           : (loaded == baseline_.placement) != switch_sides_;
  if (baseline_is_due) return Step{baseline_, number + ": the defaults", why};
  Step step{*finalist_, number + ": the winner", why};
  // What is recommended has also held its whole context.
  if (winner != nullptr && !winner->proved) step.extent = Extent::full;
  return step;
}

bool Finals::is_slow(double cost, const std::optional<double>& usual_cost) const {
  if (!usual_cost || slow_rounds_ >= kMostSlowRounds) return false;
  return cost > *usual_cost * (1 + std::ldexp(kSlow, slow_rounds_));
}

void Finals::hurry() { slow_rounds_ = kMostSlowRounds; }

void Finals::void_round() {
  half_round_.reset();
  slow_in_a_row_ = 0;
}

void Finals::tell_disturbed() {
  void_round();
  ++disturbed_;
}

// It does not hold: the next best takes its place, and these rounds say nothing of that one.
void Finals::drop_finalist() {
  finalist_.reset();
  rounds_.clear();
  trials_.clear();
}

void Finals::know_spilled(const Config& config) {
  if (finalist_ != config) return;
  void_round();
  drop_finalist();
}

void Finals::tell(const Trial& trial, const Arm& arm, std::size_t index,
                  const std::optional<double>& usual_cost) {
  if (!finalist_) return;
  const bool is_finalist = trial.config == *finalist_;
  if (!arm.cost || (is_finalist && !arm.objection.empty())) {
    half_round_.reset();
    if (!is_finalist) return;
    drop_finalist();
    return;
  }
  const Reading<Estimate> cost = cost_of(trial, rules_.objective);
  if (!has_room_ && cost && is_slow(cost->value, usual_cost)) {
    if (++slow_in_a_row_ <= kMostAgain) return;
    void_round();
    ++slow_rounds_;
    switch_sides_ = true;
    return;
  }
  slow_in_a_row_ = 0;
  switch_sides_ = false;
  const HalfRound now{trial, cost->value, index};
  if (!half_round_) {
    half_round_ = now;
    return;
  }
  const HalfRound& baseline = is_finalist ? *half_round_ : now;
  const HalfRound& winner = is_finalist ? now : *half_round_;
  rounds_.push_back({baseline.index, winner.index, baseline.cost / winner.cost});
  trials_.push_back(baseline.trial);
  trials_.push_back(winner.trial);
  half_round_.reset();
}

void Finals::tell_turns(const std::optional<Turns>& turns, std::size_t baseline_index) {
  if (!awaits_turns()) return;
  const auto ratio = turns ? speed_up_of(*turns, rules_) : std::nullopt;
  if (!ratio) {
    has_room_ = false;
    // The winner's trial stays the first half of a round, unless it is the very one that made it
    // the winner: that one flatters it.
    if (half_round_->index == chosen_by_) half_round_.reset();
    return;
  }
  rounds_.push_back({baseline_index, half_round_->index, ratio->value, turns});
  half_round_.reset();
}

// Of the mean of the rounds' logarithms, by what each measured.
double Finals::variance_within() const {
  double variance = variance_within_trials();
  const auto rounds = static_cast<double>(rounds_.size());
  for (const TuneRound& round : rounds_) {
    const auto ratio = round.turns ? speed_up_of(*round.turns, rules_) : std::nullopt;
    if (ratio) variance += std::pow(search::sd_of(*ratio) / ratio->value / rounds, 2);
  }
  return variance;
}

// Of the mean of the rounds' logarithms, by the samples of their trials.
double Finals::variance_within_trials() const {
  PooledSpread of_baseline;
  PooledSpread of_finalist;
  const auto spread_of = [&](const Trial& trial) -> PooledSpread& {
    return trial.config == baseline_ ? of_baseline : of_finalist;
  };
  for (const Trial& trial : trials_) spread_of(trial).add(trial);
  const auto rounds = static_cast<double>(rounds_.size());
  double variance = 0;
  for (const Trial& trial : trials_) {
    const auto cost = cost_of(spread_of(trial).applied_to(trial), rules_.objective);
    if (cost) variance += std::pow(search::sd_of(*cost) / cost->value / rounds, 2);
  }
  return variance;
}

std::optional<Estimate> Finals::speed_up() const {
  if (rounds_.empty()) return std::nullopt;
  std::vector<double> ratios;
  ratios.reserve(rounds_.size());
  for (const TuneRound& round : rounds_) ratios.push_back(round.speed_up);
  return over_rounds(ratios, variance_within(), kRatioBetweenLoads);
}

}  // namespace sweetspot::tune
