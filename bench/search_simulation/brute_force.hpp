// Every layer count measured as llama-bench does: what a sweep is to be cheaper than.
#pragma once

#include <cstdint>

#include "bench.hpp"
#include "core/profile.hpp"
#include "tallies.hpp"

namespace sweetspot::simulation {

/// Answers the questions of truth.hpp from its own noisy figures.
SearchOutcome brute_force(const fake::Machine& machine, std::uint64_t seed, const BenchRules& rules,
                          const Bands& bands);

}  // namespace sweetspot::simulation
