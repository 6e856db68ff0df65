#include "search/cliff_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "search/cliff.hpp"

namespace sweetspot::search {
namespace {

// Of the only count known on the device, the share at which a second one is looked at: where it is
// fast, a device that slows down as it fills hides between the two ends.
constexpr double kBetween = 0.65;

// Whether its band has nothing else that was measured on a device: else a count that is slower than
// one with fewer layers does not win, cliff or not.
bool decides_a_band(const SweepState& sweep, const SweepView& view, int layers) {
  const auto at = std::find_if(sweep.candidates.begin(), sweep.candidates.end(),
                               [&](const auto& one) { return one.layers == layers; });
  const auto band = sweep.band_of(static_cast<std::size_t>(at - sweep.candidates.begin()));
  if (!band) return false;
  const std::vector<std::size_t>& measured = view.contests[*band].measured;
  return std::none_of(measured.begin(), measured.end(),
                      [&sweep](std::size_t i) { return sweep.candidates[i].layers > 0; });
}

// The least count that is slow for what it has on the device.
std::optional<int> first_slow(const SweepState& sweep) {
  for (const auto& [layers, row] : sweep.rows) {
    if (row.suspect || row.off_curve || row.bent || row.spilled) return layers;
  }
  return std::nullopt;
}

}  // namespace

std::optional<SweepStep> second_count(const SweepState& sweep, const SweepView& view) {
  std::vector<int> known;
  for (const auto& [layers, row] : sweep.rows) {
    if (layers > 0 && row.ms) known.push_back(layers);
  }
  if (known.size() != 1) return std::nullopt;
  std::optional<int> nearest;
  const double wished = kBetween * known.front();
  for (const std::size_t i : view.contests.back().open) {
    const int layers = sweep.candidates[i].layers;
    if (layers < 2 || layers >= known.front()) continue;
    if (!nearest || std::abs(layers - wished) < std::abs(*nearest - wished)) nearest = layers;
  }
  if (!nearest) return std::nullopt;
  return exploring(sweep, view, *nearest,
                   "whether time is a line: one count on the device tells nothing");
}

std::optional<SweepStep> about_suspect(const SweepState& sweep, const SweepView& view) {
  for (const auto& [layers, row] : sweep.rows) {
    if (!row.suspect) continue;
    const std::vector<std::size_t>& open = view.contests.back().open;
    if (open.empty() || sweep.candidates[open.back()].layers < layers) return std::nullopt;
    return exploring(sweep, view, sweep.candidates[open.back()].layers,
                     fmt::format("whether what is slow with {} layers stays slow", layers));
  }
  return std::nullopt;
}

std::optional<SweepStep> confirm_suspect(const SweepState& sweep, const SweepView& view) {
  for (const auto& [layers, row] : sweep.rows) {
    if (!row.suspect || row.confirmed || !decides_a_band(sweep, view, layers)) continue;
    SweepStep step =
        exploring(sweep, view, layers, "loaded again: slower than fewer layers let expect");
    step.loads_anew = true;
    return step;
  }
  return std::nullopt;
}

std::optional<SweepStep> confirm_cliff(const SweepState& sweep, const SweepView& view) {
  for (const auto& [layers, row] : sweep.rows) {
    if (!row.off_curve || !decides_a_band(sweep, view, layers)) continue;
    const bool is_quiet =
        std::any_of(sweep.rows.begin(), sweep.rows.end(), [at = row.told_at](auto& one) {
          return one.first > 0 && one.second.ms && one.second.objection.empty() &&
                 one.second.told_at > at;
        });
    // The one with the fewest layers speaks for those above it.
    if (row.confirmed || !is_quiet) return std::nullopt;
    SweepStep step =
        exploring(sweep, view, layers, "loaded again: was it others that slowed it down?");
    step.loads_anew = true;
    return step;
  }
  return std::nullopt;
}

double share_below_cliff(const SweepState& sweep, const Contest& contest, int layers) {
  const std::optional<int> slow = first_slow(sweep);
  if (!slow || layers >= *slow) return 1;
  const auto between = static_cast<double>(
      std::count_if(contest.open.begin(), contest.open.end(), [&](std::size_t i) {
        return sweep.candidates[i].layers > layers && sweep.candidates[i].layers < *slow;
      }));
  return between / (between + 1);
}

int halved(const SweepState& sweep, int layers, const Contest& contest) {
  Gap gap{-1, sweep.closed.from.value_or(sweep.shape.offloadable() + 1)};
  gap.bad = std::min(gap.bad, first_slow(sweep).value_or(gap.bad));
  if (gap.bad > sweep.shape.offloadable() || layers > gap.bad) return layers;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    if (sweep.is_usable(i) && sweep.candidates[i].layers < gap.bad)
      gap.good = sweep.candidates[i].layers;
  }
  if (layers < gap.good) return layers;
  std::vector<int> open;
  for (const std::size_t i : contest.open) open.push_back(sweep.candidates[i].layers);
  gap.good = std::max(gap.good, open.front() - 1);
  return middle_of(gap, open).value_or(layers);
}

}  // namespace sweetspot::search
