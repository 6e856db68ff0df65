// Asks which layer counts to measure, where nobody said (M5).
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "core/error.hpp"

namespace sweetspot::cli {

struct SweepChoice {
  std::string mode;                        ///< adaptive, quick, full, custom
  std::vector<int> requested_layers = {};  ///< empty where adaptive
};

/// Asks on stderr and reads answers from stdin until one is understood. An empty answer or the end
/// of input means adaptive. Error of kind interrupted on Ctrl-C.
Result<SweepChoice> ask_for_sweep(const Environment& environment, int offloadable_layers);

}  // namespace sweetspot::cli
