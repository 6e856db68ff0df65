// Answers of a sweep over layer counts, held against the truth.
#pragma once

#include <array>
#include <optional>

#include "bench.hpp"
#include "tallies.hpp"
#include "truth.hpp"

namespace sweetspot::simulation {

/// A layer count for each question (kDecisions), or none.
using Answers = std::array<std::optional<int>, kDecisions.size()>;

/// Fills in regrets, missed and unsafe. A question that has no true answer counts only where an
/// answer was given all the same.
void judge_answers(const fake::Machine& machine, const Bench& bench, const Workload& work,
                   const Bands& bands, const Answers& answers, SearchOutcome& outcome);

}  // namespace sweetspot::simulation
