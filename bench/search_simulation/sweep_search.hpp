// The adaptive sweep of src/search, driven as the profiler drives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench.hpp"
#include "core/profile.hpp"
#include "tallies.hpp"

namespace sweetspot::simulation {

struct SweepResult {
  SearchOutcome decisions;         ///< what the sweep itself decided
  SearchOutcome profiles;          ///< what profiles/derive.hpp makes of its trials
  int settled = 0;                 ///< decisions it calls settled, of those with a true answer
  int settled_wrong = 0;           ///< of them, those off by more than its tolerance
  std::vector<std::string> steps;  ///< "12 layers, generation-only: why", for a look at one machine
};

SweepResult sweep_search(const fake::Machine& machine, std::uint64_t seed, const BenchRules& rules,
                         const Bands& bands);

}  // namespace sweetspot::simulation
