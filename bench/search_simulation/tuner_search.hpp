// The product's tune on a pretended machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "machine/machine.hpp"
#include "rules.hpp"
#include "tallies.hpp"

namespace sweetspot::simulation {

struct TunerResult {
  SearchOutcome outcome;  ///< the regret is named "request"
  Config chosen;
  std::vector<std::string> steps;  ///< "n_ubatch 1024: why: 123 ms", for a look at one machine
};

/// True time of the workload with what llama.cpp's `--fit on` would choose; 0 where that does not
/// work on this machine or takes more than `percent` of the device's memory, which makes it no
/// measure for what keeps to the limit.
double defaults_ms(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                   const Config& base, double percent);

/// `best_ms` is the true best (best_config.hpp).
TunerResult tuner_search(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                         const Config& base, double percent, double best_ms);

}  // namespace sweetspot::simulation
