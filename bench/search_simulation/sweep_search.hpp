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

struct SweepResult {
  SearchOutcome decisions;  ///< what the sweep itself decided
  SearchOutcome profiles;   ///< what profiles/derive.hpp makes of its trials
  int settled = 0;          ///< decisions it calls settled, of those with a true answer
  int settled_wrong = 0;    ///< of them, those off by more than its tolerance
  // For a look at one machine.
  std::vector<std::string> steps;    ///< "12 layers, generation-only: why"
  std::vector<std::string> results;  ///< each trial beside the truth, each profile
};

SweepResult sweep_search(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                         const Bands& bands);

}  // namespace sweetspot::simulation
