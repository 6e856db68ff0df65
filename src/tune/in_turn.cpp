#include "tune/in_turn.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"
#include "tune/cost_model.hpp"

namespace sweetspot::tune {
namespace {

// Turns of generation before anything is made of them.
constexpr std::size_t kFewestGenerations = 8;

// Turns are looked at after so many, and each time they have doubled. An interval of 95 % that may
// end the turns at any of these looks is left by chance more often than 1 in 20 times. Means of
// 1, 2, 4, ... 128 parts of one series of normal errors, in units of their standard deviations,
// stay within 2.64 at all eight looks in 95 % of such series; at one look that is 1.96.
constexpr std::size_t kFirstLook = 8;
constexpr int kMostLooks = 8;
constexpr double kOfManyLooks = 2.64 / 1.96;

PassTurns& of(Turns& turns, Pass pass) {
  return pass == Pass::prompt ? turns.prompt : turns.generation;
}
const PassTurns& of(const Turns& turns, Pass pass) {
  return pass == Pass::prompt ? turns.prompt : turns.generation;
}

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

/// The middle one of `count` pieces of the series, in the order they were measured.
double median_of_piece(const std::vector<double>& values, std::size_t piece, std::size_t count) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(piece * values.size() / count);
  const auto end =
      values.begin() + static_cast<std::ptrdiff_t>((piece + 1) * values.size() / count);
  return median_of({begin, end});
}

/// What generation takes of the winner's request, 0 to 1, 95 %. A machine that drifts was fast in
/// one pass and slow in the other: how much that may be shows where the passes, which were made by
/// turns, are held against each other piece by piece.
Estimate share_of_generation(const Turns& turns, const Rules& rules) {
  const std::size_t pieces = std::min(turns.generation.size(), turns.prompt.size());
  std::vector<double> shares;
  shares.reserve(pieces);
  for (std::size_t i = 0; i < pieces; ++i) {
    const double generation_ms =
        tokens_of(Pass::generation, rules) * median_of_piece(turns.generation.winner_ms, i, pieces);
    const double prompt_ms =
        tokens_of(Pass::prompt, rules) * median_of_piece(turns.prompt.winner_ms, i, pieces);
    shares.push_back(generation_ms / (generation_ms + prompt_ms));
  }
  const auto set = measure::SampleSet::make(std::move(shares));
  return set ? measure::median_interval(*set) : Estimate{};
}

Estimate widened(Estimate ratio) {
  ratio.low = std::max(0.0, ratio.value - kOfManyLooks * (ratio.value - ratio.low));
  ratio.high = ratio.value + kOfManyLooks * (ratio.high - ratio.value);
  return ratio;
}

}  // namespace

std::optional<Estimate> ratio_of_turns(const PassTurns& turns) {
  if (turns.size() == 0) return std::nullopt;
  return ratio_of(turns);
}

std::optional<Estimate> speed_up_of(const Turns& turns, const Rules& rules) {
  const bool with_prompts = tokens_of(Pass::prompt, rules) > 0;
  const bool with_generation = tokens_of(Pass::generation, rules) > 0;
  if ((with_prompts && turns.prompt.size() == 0) ||
      (with_generation && turns.generation.size() == 0) || !(with_prompts || with_generation)) {
    return std::nullopt;
  }
  if (!with_prompts) return widened(ratio_of(turns.generation));
  if (!with_generation) return widened(ratio_of(turns.prompt));
  const Estimate generation = ratio_of(turns.generation);
  const Estimate prompt = ratio_of(turns.prompt);
  const Estimate share = share_of_generation(turns, rules);
  const double rest = 1 - share.value;
  const double by_share = (generation.value - prompt.value) *
                          std::max(share.value - share.low, share.high - share.value);
  Estimate whole;
  whole.value = share.value * generation.value + rest * prompt.value;
  whole.low = whole.value - std::hypot(share.value * (generation.value - generation.low),
                                       rest * (prompt.value - prompt.low), by_share);
  whole.high = whole.value + std::hypot(share.value * (generation.high - generation.value),
                                        rest * (prompt.high - prompt.value), by_share);
  return widened(whole);
}

std::size_t InTurn::fewest(Pass pass) const {
  return pass == Pass::prompt ? fewest_prompts_ : kFewestGenerations;
}

std::optional<Pass> InTurn::lacking() const {
  for (const Pass pass : {Pass::prompt, Pass::generation}) {
    if (tokens_of(pass, rules_) > 0 && of(turns_, pass).size() < fewest(pass)) return pass;
  }
  return std::nullopt;
}

// Both passes by turns, so that what drifts finds each of them as often: two turns of generation at
// least for one prompt, and, once there are the fewest prompts that say something, as much time.
// Before that nothing could be made of more generations.
std::optional<Pass> InTurn::next() const {
  if (finished_) return std::nullopt;
  if (tokens_of(Pass::prompt, rules_) <= 0) return Pass::generation;
  if (tokens_of(Pass::generation, rules_) <= 0) return Pass::prompt;
  const bool prompt_is_due = turns_.generation.size() >= 2 * turns_.prompt.size() &&
                             (lacking() == Pass::prompt || generation_seconds_ >= prompt_seconds_);
  return prompt_is_due ? Pass::prompt : Pass::generation;
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
