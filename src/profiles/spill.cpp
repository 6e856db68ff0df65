#include "profiles/spill.hpp"

#include <fmt/format.h>

#include "profiles/ranking.hpp"

namespace sweetspot::profiles {
namespace {

/// The fastest measured trial with fewer layers than `trial`, but at least one.
const Trial* fastest_below(const std::vector<Trial>& trials, const Trial& trial) {
  const Trial* fastest = nullptr;
  for (const Trial& other : trials) {
    if (!other.conclusive() || other.layers < 1 || other.layers >= trial.layers) continue;
    if (fastest == nullptr || speed_of(other).value > speed_of(*fastest).value) fastest = &other;
  }
  return fastest;
}

}  // namespace

std::vector<Spill> find_spills(const std::vector<Trial>& trials) {
  std::vector<Spill> spills;
  for (std::size_t index = 0; index < trials.size(); ++index) {
    const Trial& trial = trials[index];
    // A trial that waited for a processor, or whose speed is too uncertain, says nothing about
    // memory.
    if (!trial.conclusive() || trial.shares(Contended::processor)) continue;
    if (trial.vram_percent && *trial.vram_percent < kSpillFromPercent) continue;
    const Trial* below = fastest_below(trials, trial);
    if (below == nullptr || speed_of(*below).value <= speed_of(trial).value * kSpillSpeedRatio)
      continue;
    spills.push_back({index, fmt::format("spilled: {:.1f} times slower than with {} layer{}",
                                         speed_of(*below).value / speed_of(trial).value,
                                         below->layers, below->layers == 1 ? "" : "s")});
  }
  return spills;
}

std::vector<bool> spilled(const std::vector<Trial>& trials) {
  std::vector<bool> all;
  all.reserve(trials.size());
  for (const Trial& trial : trials) all.push_back(trial.is(Disturbance::spilled));
  for (const Spill& spill : find_spills(trials)) all[spill.index] = true;
  return all;
}

}  // namespace sweetspot::profiles
