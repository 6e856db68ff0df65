// What all searches on a pretended machine are given, and what they cost.
#pragma once

#include "core/trial.hpp"

namespace sweetspot::simulation {

struct Rules {
  Workload workload = {};
  double precision = 0.01;
  double max_seconds = 20;  ///< per trial, as RunSettings
  /// A driver tells what is in use on the device, so its hidden share shows in vram_percent.
  bool driver = true;
};

/// What a search has cost so far.
struct Effort {
  int trials = 0;      ///< configs tried, failures included
  int loads = 0;       ///< of weights
  double seconds = 0;  ///< virtual
};

}  // namespace sweetspot::simulation
