#include "search/next_count.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "search/cliff_steps.hpp"

namespace sweetspot::search {
namespace {

// A trial that may gain this share of what the best one may gain is as good, and with fewer layers
// it is safer.
constexpr double kNearlyAsGood = 0.7;

// Where returns diminish is worth this many trials of its own: where a layer gains about as much as
// is worthwhile, no number of trials finds the layer from which it does not.
constexpr int kDiminishingTrials = 1;

// How often a spoiled trial is measured anew: the reference, and any other.
constexpr int kReferenceAnew = 2;
constexpr int kOtherAnew = 1;

// So many speeds that tell nothing, and none that does, are enough.
constexpr int kMostUncertain = 3;

// A winner that is loaded is completed unless another one beats it with this probability: to
// complete it later costs a load.
constexpr double kSurelyBeaten = 0.9;

constexpr const char* kCpuReason = "the reference, and the fallback";

std::optional<SweepStep> first_step(const SweepState& sweep) {
  // Where one speed after the other is too uncertain, the next one is too.
  const auto uncertain = std::count_if(sweep.rows.begin(), sweep.rows.end(),
                                       [](const auto& row) { return row.second.uncertain; });
  if (uncertain >= kMostUncertain) return std::nullopt;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    if (!sweep.is_open(i)) continue;
    const int layers = sweep.candidates[i].layers;
    return SweepStep{layers, Extent::full, layers == 0 ? kCpuReason : "the safest that is left"};
  }
  return std::nullopt;
}

// What others spoiled, once they have gone; at the end the reference and what is too uncertain
// anyway: nothing is concluded from either before. The reference has the fewest layers.
std::optional<SweepStep> measured_anew(const SweepState& sweep, const SweepTurn& turn,
                                       bool at_the_end) {
  if (!at_the_end && !turn.last_was_quiet) return std::nullopt;
  for (const auto& [layers, row] : sweep.rows) {
    const bool is_reference = layers == 0;
    const bool few = is_reference && row.few && row.times_anew == 0;
    const bool spoiled = row.uncertain || row.starved || few || (is_reference && row.slowed);
    if (!row.ms || !spoiled) continue;
    if (at_the_end && (row.times_anew > 0 || !(is_reference || row.uncertain))) continue;
    if (row.times_anew >= (is_reference ? kReferenceAnew : kOtherAnew)) continue;
    SweepStep step{layers, row.extent,
                   few             ? "anew: it is the reference, and it has few samples"
                   : row.uncertain ? "anew: its speed was too uncertain"
                   : is_reference  ? "anew: it is the reference, and others slowed it down"
                                   : "anew: others used the processor before"};
    step.anew = true;
    return step;
  }
  return std::nullopt;
}

// A winner that was only explored. Before everything is settled only the one that is still loaded:
// that costs no load.
std::optional<SweepStep> completion(const SweepState& sweep, const SweepTurn& turn,
                                    const SweepView& view, bool settled) {
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const Odds& odds = view.odds[k];
    if (!odds.winner || sweep.row_of(*odds.winner)->extent == Extent::full) continue;
    const int layers = sweep.candidates[*odds.winner].layers;
    const double beaten = odds.doubt * share_below_cliff(sweep, view.contests[k], layers);
    const bool loaded_and_likely = turn.last_told == layers && beaten < kSurelyBeaten;
    if (!settled && !loaded_and_likely) continue;
    return SweepStep{layers, Extent::full,
                     fmt::format("in full: it wins {}", view.contests[k].name)};
  }
  return std::nullopt;
}

// From safe to risky: a band in which nothing was offloaded yet comes before everything else.
std::optional<SweepStep> into_new_band(const SweepState& sweep, const SweepView& view) {
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const Contest& contest = view.contests[k];
    const bool touched =
        std::any_of(contest.measured.begin(), contest.measured.end(),
                    [&sweep](std::size_t i) { return sweep.candidates[i].layers > 0; });
    if (touched || contest.open.empty()) continue;
    const std::vector<double>& gain = view.odds[k].gain;
    const auto best =
        *std::max_element(contest.open.begin(), contest.open.end(),
                          [&](std::size_t a, std::size_t b) { return gain[a] < gain[b]; });
    return exploring(sweep, view, halved(sweep, sweep.candidates[best].layers, contest),
                     fmt::format("first GPU measurement in {}", contest.name));
  }
  return std::nullopt;
}

std::optional<SweepStep> most_promising(const SweepState& sweep, const SweepView& view) {
  std::vector<double> gain(sweep.candidates.size(), 0);
  std::vector<std::size_t> first_contest(sweep.candidates.size(), 0);
  for (std::size_t k = view.contests.size(); k-- > 0;) {
    if (view.odds[k].doubt <= 1 - sweep.rules.confidence) continue;
    for (const std::size_t i : view.contests[k].open) {
      if (view.odds[k].gain[i] <= 0) continue;
      gain[i] += view.odds[k].gain[i];
      first_contest[i] = k;
    }
  }
  const double best = gain.empty() ? 0 : *std::max_element(gain.begin(), gain.end());
  for (std::size_t i = 0; best > 0 && i < sweep.candidates.size(); ++i) {
    if (gain[i] < kNearlyAsGood * best) continue;
    const std::size_t k = first_contest[i];
    return exploring(sweep, view, halved(sweep, sweep.candidates[i].layers, view.contests[k]),
                     fmt::format("could be the best in {} ({:.0f} % in doubt)",
                                 view.contests[k].name, view.odds[k].doubt * 100));
  }
  return std::nullopt;
}

// Where the CPU alone is the fastest of all, there are no returns to diminish.
bool offloading_pays(const SweepState& sweep, const SweepView& view) {
  const std::optional<std::size_t>& optimum = view.odds.back().winner;
  return !optimum || sweep.candidates[*optimum].layers > 0;
}

std::optional<SweepStep> towards_diminishing(const SweepState& sweep, const SweepTurn& turn,
                                             const SweepView& view) {
  if (view.diminishing_known || turn.asked_diminishing >= kDiminishingTrials) return std::nullopt;
  if (!offloading_pays(sweep, view)) return std::nullopt;
  const int middle = (view.diminishing.first + view.diminishing.second) / 2;
  std::optional<int> nearest;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    const int layers = sweep.candidates[i].layers;
    if (!sweep.is_open(i)) continue;
    if (!nearest || std::abs(layers - middle) < std::abs(*nearest - middle)) nearest = layers;
  }
  if (!nearest) return std::nullopt;
  SweepStep step{*nearest, Extent::generation_only,
                 fmt::format("where returns diminish: from {} or from {} layers on",
                             view.diminishing.first, view.diminishing.second)};
  step.for_diminishing = true;
  return step;
}

bool is_settled(const SweepState& sweep, const SweepView& view) {
  return !confirm_suspect(sweep, view) && !second_count(sweep, view) &&
         std::all_of(view.odds.begin(), view.odds.end(), [&sweep](const Odds& odds) {
           return odds.doubt <= 1 - sweep.rules.confidence;
         });
}

}  // namespace

std::optional<SweepStep> next_count(const SweepState& sweep, const SweepTurn& turn) {
  const SweepView view = look(sweep);
  const bool begun = std::any_of(sweep.rows.begin(), sweep.rows.end(),
                                 [](const auto& row) { return row.second.ms.has_value(); });
  if (!view.model || !begun) {
    if (auto step = first_step(sweep)) return step;
    return measured_anew(sweep, turn, /*at_the_end=*/true);
  }
  const bool settled = is_settled(sweep, view);
  if (turn.again) {
    return exploring(sweep, view, *turn.again,
                     "again: far slower than the other trials let expect");
  }
  if (auto step = measured_anew(sweep, turn, /*at_the_end=*/false)) return step;
  if (auto step = completion(sweep, turn, view, settled)) return step;
  if (!settled) {
    if (auto step = into_new_band(sweep, view)) return step;
    if (auto step = second_count(sweep, view)) return step;
    if (auto step = about_suspect(sweep, view)) return step;
    if (auto step = most_promising(sweep, view)) return step;
    if (auto step = confirm_suspect(sweep, view)) return step;
    if (auto step = completion(sweep, turn, view, true)) return step;
  }
  if (auto step = towards_diminishing(sweep, turn, view)) return step;
  if (auto step = confirm_cliff(sweep, view)) return step;
  return measured_anew(sweep, turn, /*at_the_end=*/true);
}

}  // namespace sweetspot::search
