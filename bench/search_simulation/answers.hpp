// Answers of a sweep over layer counts, held against the truth.
#pragma once

#include <array>
#include <optional>

#include "tallies.hpp"
#include "truth.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {

/// A layer count for each question (kDecisions), or none.
using Answers = std::array<std::optional<int>, kDecisions.size()>;

/// Fills in regrets, missed, left_empty and unsafe. A question that has no true answer counts only
/// where an answer was given all the same.
void judge_answers(const fake::Machine& machine, const VramView& vram, const Workload& work,
                   const Bands& bands, const Answers& answers, SearchOutcome& outcome);

}  // namespace sweetspot::simulation
