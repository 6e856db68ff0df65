// What people run today: so many trials of llama-bench, each a process with a load, chosen by TPE.
#pragma once

#include <cstdint>

#include "config_space.hpp"
#include "machine/machine.hpp"
#include "rules.hpp"
#include "tallies.hpp"

namespace sweetspot::simulation {

inline constexpr int kTpeTrials = 45;

/// Minimises the workload's time over the space; what fails, or takes more than `percent` of the
/// device's memory, counts as failed. The regret is named "request".
/// `baseline_ms` is what the speed-up is over, 0 = nothing.
SearchOutcome tpe_search(const fake::Machine& machine, const ConfigSpace& space, std::uint64_t seed,
                         const Rules& rules, double percent, double best_ms, double baseline_ms);

}  // namespace sweetspot::simulation
