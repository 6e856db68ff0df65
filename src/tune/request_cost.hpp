// What one request costs under a workload, from the speeds of a trial. Pure.
#pragma once

#include <optional>

#include "core/reading.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"

namespace sweetspot::tune {

/// Milliseconds of one request (request), of one token (generation, prompt), or joules of one
/// request (energy). Of several sequences side by side it is one request's share of the machine's
/// time: its prompt, which is read alone, and its tokens at the speed of all sequences together; so
/// N requests take N times as long, and each waits about that long. With the 95 % interval that
/// follows from those of the speeds, taken as independent. Absent, with the reason, where the trial
/// failed or lacks what is asked for.
Reading<Estimate> cost_of(const Trial& trial, Objective objective);

/// Empty where the trial keeps to the constraints; else a clause.
std::string why_outside(const Trial& trial, const TuneConstraints& constraints);

}  // namespace sweetspot::tune
