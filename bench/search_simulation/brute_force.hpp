// What a sweep is held against: every layer count measured as llama-bench does, and none at all.
#pragma once

#include <cstdint>

#include "core/profile.hpp"
#include "machine/machine.hpp"
#include "rules.hpp"
#include "tallies.hpp"

namespace sweetspot::simulation {

/// Answers the questions of truth.hpp from its own noisy figures.
SearchOutcome brute_force(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                          const Bands& bands);

/// The most layers of each band by what llama.cpp says it takes; nothing is measured. What a search
/// has to beat to be worth a single load.
SearchOutcome most_layers(const fake::Machine& machine, const Rules& rules, const Bands& bands);

/// llama.cpp's `--fit on`: the most layers that leave 1 GiB free by its own account. It answers one
/// question only, which is the optimum.
SearchOutcome fit(const fake::Machine& machine, const Rules& rules, const Bands& bands);

}  // namespace sweetspot::simulation
