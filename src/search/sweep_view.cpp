#include "search/sweep_view.hpp"

#include <algorithm>
#include <cmath>

#include "core/profile.hpp"
#include "search/least_time.hpp"

namespace sweetspot::search {
namespace {

constexpr std::size_t kWorlds = 400;
constexpr std::uint64_t kSeed = 20261124;

// Where returns diminish need not be known better than to this share of the layers, or two.
constexpr double kDiminishingWidth = 0.1;

// A trial this much slower than the upper end of what the others predict lies off the curve.
constexpr double kOffCurve = 0.1;

TimeModel fit_model(const SweepState& sweep, double scale_ms, std::size_t& observations) {
  std::vector<Observation> seen;
  std::vector<Features> points;
  points.reserve(sweep.candidates.size());
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    points.push_back(sweep.shape.features(sweep.candidates[i].layers));
    if (sweep.is_usable(i)) {
      for (const Estimate& ms : sweep.row_of(i)->loads) {
        seen.push_back({points.back(), ms.value, sd_of(ms)});
      }
      ++observations;
    } else if (sweep.candidates[i].slice_ms) {
      const Estimate& ms = *sweep.candidates[i].slice_ms;
      // All that slices say hangs together: it counts as one observation of the whole curve. What
      // they are off by beyond noise is in their interval.
      seen.push_back({points.back(), ms.value, sd_of(ms) * std::sqrt(sweep.candidates.size())});
    }
  }
  return TimeModel::fit(sweep.shape.prior(scale_ms), seen, points);
}

// Of what counts, and of what slices say.
double longest_ms(const SweepState& sweep) {
  double longest = 0;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    const std::optional<Estimate>& slice_ms = sweep.candidates[i].slice_ms;
    if (sweep.is_usable(i)) longest = std::max(longest, sweep.row_of(i)->ms->value);
    if (slice_ms) longest = std::max(longest, slice_ms->value);
  }
  return longest;
}

// What no world may fall below; 0 where what was measured refutes it.
std::vector<double> floors_of(const SweepState& sweep) {
  LeastTime least;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    if (!sweep.is_usable(i)) continue;
    const int layers = sweep.candidates[i].layers;
    if (layers == 0) least.cpu_ms = sweep.row_of(i)->ms->value;
    if (layers == sweep.shape.offloadable()) least.all_ms = sweep.row_of(i)->ms->value;
  }
  std::vector<double> floors;
  floors.reserve(sweep.candidates.size());
  bool holds = true;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    floors.push_back(least.at(sweep.shape.cpu_share(sweep.candidates[i].layers)));
    if (sweep.is_usable(i) && sweep.row_of(i)->ms->high < floors.back()) holds = false;
  }
  return holds ? floors : std::vector<double>(sweep.candidates.size(), 0);
}

void raise_to_floors(const SweepState& sweep, Worlds& worlds) {
  const std::vector<double> floors = floors_of(sweep);
  for (std::size_t i = 0; i < floors.size(); ++i) {
    if (!sweep.is_open(i)) continue;
    for (auto& world : worlds) world[i] = std::max(world[i], floors[i]);
  }
}

// Between two neighbours that both count, none is believed to be faster than the faster of them.
void raise_to_neighbours(const SweepState& sweep, Worlds& worlds) {
  for (std::size_t i = 1; i + 1 < sweep.candidates.size(); ++i) {
    if (!sweep.is_open(i) || !sweep.is_usable(i - 1) || !sweep.is_usable(i + 1)) continue;
    for (auto& world : worlds) {
      world[i] = std::max(world[i], std::min(world[i - 1], world[i + 1]));
    }
  }
}

void look_at_diminishing(const SweepState& sweep, const Worlds& worlds, SweepView& view) {
  std::vector<int> layers;
  std::vector<std::size_t> tryable;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    layers.push_back(sweep.candidates[i].layers);
    if (sweep.is_usable(i) || sweep.is_open(i)) tryable.push_back(i);
  }
  if (tryable.size() <= 2) return;
  view.diminishing = diminishing_range(worlds, tryable, layers, kWorthwhileGain);
  const double width = std::max(2.0, kDiminishingWidth * sweep.shape.offloadable());
  view.diminishing_known = view.diminishing.second - view.diminishing.first <= width;
}

}  // namespace

SweepView look(const SweepState& sweep) {
  SweepView view;
  const double scale_ms = longest_ms(sweep);
  if (scale_ms <= 0) return view;
  view.model = fit_model(sweep, scale_ms, view.observations);
  Worlds worlds = view.model->draw(kWorlds, kSeed);
  raise_to_floors(sweep, worlds);
  raise_to_neighbours(sweep, worlds);
  view.contests = sweep.contests();
  for (const Contest& contest : view.contests) {
    view.odds.push_back(odds_of(contest, worlds, sweep.candidates.size(), sweep.rules.tolerance));
  }
  look_at_diminishing(sweep, worlds, view);
  return view;
}

std::optional<double> curve_limit_ms(const SweepState& sweep, int layers) {
  const SweepView view = look(sweep);
  if (!view.model || view.observations < 3) return std::nullopt;
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    if (sweep.candidates[i].layers == layers) return view.model->predict(i).high * (1 + kOffCurve);
  }
  return std::nullopt;
}

}  // namespace sweetspot::search
