#include "tune/in_turn.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"
#include "search/time_model.hpp"
#include "tune/cost_model.hpp"

namespace sweetspot::tune {
namespace {

// Turns of a pass before anything is made of them. A prompt may take a minute.
constexpr std::size_t kFewestGenerations = 8;
constexpr std::size_t kFewestPrompts = 4;

// Turns are looked at after so many, and each time they have doubled. An interval of 95 % that may
// end the turns at any of these looks is left by chance more often than 1 in 20 times: with
// Bonferroni's correction each of eight looks has 1 / 160, which the normal distribution has beyond
// 2.73 standard deviations where 1 / 20 lies beyond 1.96.
constexpr std::size_t kFirstLook = 8;
constexpr int kMostLooks = 8;
constexpr double kOfManyLooks = 2.73 / 1.96;

PassTurns& of(Turns& turns, Pass pass) {
  return pass == Pass::prompt ? turns.prompt : turns.generation;
}
const PassTurns& of(const Turns& turns, Pass pass) {
  return pass == Pass::prompt ? turns.prompt : turns.generation;
}

std::size_t fewest(Pass pass) { return pass == Pass::prompt ? kFewestPrompts : kFewestGenerations; }

/// Of baseline to winner, 95 %.
Estimate ratio_of(const PassTurns& turns) {
  std::vector<double> ratios;
  ratios.reserve(turns.size());
  for (std::size_t i = 0; i < turns.size(); ++i) {
    ratios.push_back(turns.baseline_ms[i] / turns.winner_ms[i]);
  }
  const auto set = measure::SampleSet::make(std::move(ratios));
  return set ? measure::median_interval(*set) : Estimate{};
}

double median_of(std::vector<double> values) {
  const auto set = measure::SampleSet::make(std::move(values));
  return set ? measure::median(*set) : 0;
}

struct PassRatio {
  Estimate ratio;
  double winner_ms = 0;  ///< of a request
};

std::optional<PassRatio> pass_ratio(Pass pass, const Turns& turns, const Rules& rules) {
  const PassTurns& mine = of(turns, pass);
  const double tokens = tokens_of(pass, rules);
  if (tokens <= 0 || mine.size() == 0) return std::nullopt;
  return PassRatio{ratio_of(mine), tokens * median_of(mine.winner_ms)};
}

}  // namespace

std::optional<Estimate> ratio_of_turns(const PassTurns& turns) {
  if (turns.size() == 0) return std::nullopt;
  return ratio_of(turns);
}

std::optional<Estimate> speed_up_of(const Turns& turns, const Rules& rules) {
  Estimate sum;
  double all_ms = 0;
  std::vector<PassRatio> parts;
  for (const Pass pass : {Pass::generation, Pass::prompt}) {
    if (tokens_of(pass, rules) <= 0) continue;
    const auto part = pass_ratio(pass, turns, rules);
    if (!part) return std::nullopt;
    all_ms += part->winner_ms;
    parts.push_back(*part);
  }
  if (all_ms <= 0) return std::nullopt;
  double below = 0;
  double above = 0;
  for (const PassRatio& part : parts) {
    const double share = part.winner_ms / all_ms;
    sum.value += share * part.ratio.value;
    below += std::pow(share * (part.ratio.value - part.ratio.low), 2);
    above += std::pow(share * (part.ratio.high - part.ratio.value), 2);
  }
  sum.low = std::max(0.0, sum.value - kOfManyLooks * std::sqrt(below));
  sum.high = sum.value + kOfManyLooks * std::sqrt(above);
  return sum;
}

std::optional<Pass> InTurn::lacking() const {
  for (const Pass pass : {Pass::prompt, Pass::generation}) {
    if (tokens_of(pass, rules_) > 0 && of(turns_, pass).size() < fewest(pass)) return pass;
  }
  return std::nullopt;
}

// How much one more turn takes off the variance of the whole, for its time.
double InTurn::worth_of(Pass pass) const {
  const auto part = pass_ratio(pass, turns_, rules_);
  if (!part) return 0;
  const auto turns = static_cast<double>(of(turns_, pass).size());
  const double seconds = pass == Pass::prompt ? prompt_seconds_ : generation_seconds_;
  const double sd = part->winner_ms * search::sd_of(part->ratio);
  return sd * sd / turns / std::max(seconds / turns, 1e-9);
}

std::optional<Pass> InTurn::next() const {
  if (const auto pass = lacking()) return pass;
  if (finished_) return std::nullopt;
  return worth_of(Pass::prompt) > worth_of(Pass::generation) ? Pass::prompt : Pass::generation;
}

void InTurn::add(Pass pass, double baseline_ms, double winner_ms, double seconds) {
  (pass == Pass::prompt ? prompt_seconds_ : generation_seconds_) += seconds;
  PassTurns& mine = of(turns_, pass);
  mine.baseline_ms.push_back(baseline_ms);
  mine.winner_ms.push_back(winner_ms);
  look();
}

double InTurn::share_of_time() const {
  return std::min(1.0, (generation_seconds_ + prompt_seconds_) / std::max(max_seconds_, 1e-9));
}

void InTurn::look() {
  if (lacking()) return;
  const bool time_is_up = share_of_time() >= 1;
  const std::size_t turns = turns_.generation.size() + turns_.prompt.size();
  if (turns < kFirstLook << looks_ && !time_is_up) return;
  ++looks_;
  const auto ratio = speed_up_of(turns_, rules_);
  const double loads = 1.96 * kRatioBetweenLoads;
  const double low = ratio ? ratio->value - std::hypot(ratio->value - ratio->low, loads) : 0;
  const double high = ratio ? ratio->value + std::hypot(ratio->high - ratio->value, loads) : 0;
  const bool apart = ratio && (low > 1 || high < 1);
  const bool level = ratio && low > 1 / (1 + rules_.tolerance) && high < 1 + rules_.tolerance;
  finished_ = time_is_up || apart || level || looks_ == kMostLooks;
}

}  // namespace sweetspot::tune
