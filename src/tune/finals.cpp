#include "tune/finals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "measure/statistics.hpp"
#include "search/time_model.hpp"
#include "tune/few_samples.hpp"
#include "tune/request_cost.hpp"

namespace sweetspot::tune {
namespace {

// The spread of a ratio between two loads of the same pair that no interval of one trial shows.
constexpr double kBetweenRounds = 0.005;

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

// Defaults that must not be used are held against the winner once: the figure is reported, and
// nothing hangs on it.
bool Finals::is_decided(const Arm& baseline) const {
  if (disturbed_ > rules_.final_rounds) return true;
  if (!baseline.objection.empty()) return !rounds_.empty();
  if (rounds_.size() < 2) return false;
  const auto ratio = speed_up();
  if (ratio && (ratio->low > 1 || ratio->high < 1)) return true;
  const auto most = static_cast<std::size_t>(rules_.final_rounds);
  if (rounds_.size() < most) return false;
  const bool is_ahead = ratio && ratio->value > 1 + rules_.tolerance / 2;
  return !is_ahead || rounds_.size() >= most + kMoreRounds;
}

std::optional<Step> Finals::ask(const Arms& arms, const std::optional<Placement>& loaded) {
  if (!finalist_) {
    const Arm* winner = arms.best(baseline_, rules_.tolerance);
    if (winner == nullptr || winner->config == baseline_) return std::nullopt;
    finalist_ = winner->config;
  }
  const Arm* winner = arms.find(*finalist_);
  const Arm* held = arms.find(baseline_);
  // Defaults that cannot run are nothing to be held against; the winner must still prove itself.
  if (held == nullptr || !held->cost) {
    if (winner->proved) return std::nullopt;
    Step proof{*finalist_, "the winner, in full", "the defaults could not be measured"};
    proof.extent = Extent::full;
    return proof;
  }
  if (is_decided(*held)) return std::nullopt;
  const std::string number = fmt::format("final round {}", rounds_.size() + 1);
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

void Finals::tell(const Trial& trial, const Arm& arm, std::size_t index,
                  const std::optional<double>& usual_cost) {
  if (!finalist_) return;
  const bool is_finalist = trial.config == *finalist_;
  if (!arm.cost || (is_finalist && !arm.objection.empty())) {
    half_round_.reset();
    if (!is_finalist) return;
    // It does not hold: the next best takes its place, and these rounds say nothing of that one.
    finalist_.reset();
    rounds_.clear();
    trials_.clear();
    return;
  }
  const Reading<Estimate> cost = cost_of(trial, rules_.objective);
  if (cost && is_slow(cost->value, usual_cost)) {
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
  const auto n = static_cast<double>(rounds_.size());
  double mean = 0;
  for (const TuneRound& round : rounds_) mean += std::log(round.speed_up) / n;
  double between = 0;
  for (const TuneRound& round : rounds_) {
    between += std::pow(std::log(round.speed_up) - mean, 2) / std::max(1.0, n - 1) / n;
  }
  double half = 1.96 * std::sqrt(variance_within_trials());
  // A prompt measured once has a wide interval by convention; rounds that agree know better.
  if (rounds_.size() >= 3) {
    half = std::min(half, measure::student_t(rounds_.size() - 1) * std::sqrt(between));
  }
  half =
      std::hypot(std::max(half, 1.96 * std::sqrt(between)), 1.96 * kBetweenRounds / std::sqrt(n));
  return Estimate{std::exp(mean), std::exp(mean - half), std::exp(mean + half)};
}

}  // namespace sweetspot::tune
