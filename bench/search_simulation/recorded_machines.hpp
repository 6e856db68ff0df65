// The sweep and its rivals on published curves, instead of machines that are drawn.
#pragma once

#include <cstdint>
#include <string>

#include "core/trial.hpp"

namespace sweetspot::simulation {

struct RecordedOptions {
  std::string curves_path;  ///< a file like tests/fixtures/curves/published.json
  std::string curve_id;     ///< this one only; empty = all
  std::string card;         ///< this one only; empty = all
  std::string only;         ///< sweep, most-layers, fit or tuner; empty = the first three
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 3;
  double between_loads = -1;  ///< this spread between loads only; below 0 = 0, 2 and 5 %
  Workload workload;
  std::size_t worst = 0;
  bool steps = false;
  bool check = false;
};

/// Prints what came of it; the exit code. Each curve on each card (machine/published_curve.hpp),
/// with each noise: 1 %, 5 %, 1 % with stalls, and 0, 2 and 5 % between loads.
int simulate_recorded(const RecordedOptions& options);

}  // namespace sweetspot::simulation
