#include "profiles/ranking.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace sweetspot::profiles {
namespace {

/// Least first: bytes, then the share of the device (where bytes are unknown), then layers.
auto cost_of(const Trial& trial) {
  constexpr double kUnknown = std::numeric_limits<double>::infinity();
  const double bytes =
      trial.vram_used_bytes ? static_cast<double>(*trial.vram_used_bytes) : kUnknown;
  return std::make_tuple(bytes, trial.vram_percent.value_or(kUnknown), trial.layers);
}

}  // namespace

bool is_tie(const Estimate& a, const Estimate& b) {
  const bool overlap = a.low <= b.high && b.low <= a.high;
  const double faster = std::max(a.value, b.value);
  const double slower = std::min(a.value, b.value);
  return overlap && slower >= faster * (1 - kMaxTieLoss);
}

bool takes_less(const Trial& a, const Trial& b) { return cost_of(a) < cost_of(b); }

std::optional<Ranking> rank(const std::vector<Trial>& trials,
                            const std::vector<std::size_t>& candidates) {
  if (candidates.empty()) return std::nullopt;
  const auto slower = [&](std::size_t a, std::size_t b) {
    return speed_of(trials[a]).value < speed_of(trials[b]).value;
  };
  Ranking ranking;
  ranking.fastest = *std::max_element(candidates.begin(), candidates.end(), slower);
  ranking.chosen = ranking.fastest;
  for (const std::size_t index : candidates) {
    if (!is_tie(speed_of(trials[index]), speed_of(trials[ranking.fastest]))) continue;
    ranking.tied.push_back(index);
    if (takes_less(trials[index], trials[ranking.chosen])) ranking.chosen = index;
  }
  std::erase(ranking.tied, ranking.chosen);
  std::sort(ranking.tied.begin(), ranking.tied.end());
  return ranking;
}

}  // namespace sweetspot::profiles
