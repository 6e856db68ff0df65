// The product's adaptive sweep on a pretended machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/profile.hpp"
#include "machine/machine.hpp"
#include "rules.hpp"
#include "tallies.hpp"

namespace sweetspot::simulation {

/// Of the 95 % intervals of what was not measured, how many hold the truth.
struct Intervals {
  int all = 0;
  int held = 0;
  int below = 0;  ///< of all: with fewer layers than the least count that was measured on a device
  int below_held = 0;
};

struct SweepResult {
  SearchOutcome decisions;  ///< what the sweep itself decided
  SearchOutcome profiles;   ///< what profiles/derive.hpp makes of its trials
  int loads_beside = 0;     ///< of the loads: of 0 layers beside a device, no point of the curve
  int settled = 0;          ///< decisions it calls settled, of those with a true answer
  int settled_wrong = 0;    ///< of them, those off by more than its tolerance
  Intervals intervals;
  int beyond_cliff = 0;  ///< profiles that are rows of a device that pages to the host
  int dominated = 0;     ///< profiles truly slower, by more than the tolerance, than one with less
  int disagree = 0;      ///< bands in which the decision and the profile are not the same
  // For a look at one machine.
  std::vector<std::string> steps;    ///< "12 layers, generation-only: why"
  std::vector<std::string> results;  ///< each trial beside the truth, each profile
};

SweepResult sweep_search(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                         const Bands& bands);

}  // namespace sweetspot::simulation
