// How long and how exactly the speeds of one trial are measured. Pure.
#pragma once

#include "core/trial.hpp"
#include "measure/stopping_rule.hpp"

namespace sweetspot::measure {

/// What a trial may take, as the user asked for it.
struct TrialLimits {
  double precision = 0.01;  ///< relative half-width of the 95 % interval to reach
  double max_seconds = 20;  ///< of measuring, prompt and generation together
};

/// A trial that only explores (Extent::generation_only) need not be so exact, and may take less
/// time. `rival_ms` counts for such a one alone: what is recommended is measured to the end.
StoppingOptions generation_options(const TrialLimits& limits, const Workload& workload,
                                   Extent extent, double rival_ms);

/// Inputs of a model that only reads, which are compared as generations are.
StoppingOptions input_options(const TrialLimits& limits, Extent extent, double rival_ms);

StoppingOptions prompt_options(const TrialLimits& limits);

/// Whether a speed that was measured before, with less time, is exact enough as it is.
bool is_precise(const Speed& speed, const TrialLimits& limits);

}  // namespace sweetspot::measure
