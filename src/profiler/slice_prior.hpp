// What slices of the model say before the first trial of a sweep.
#pragma once

#include <optional>
#include <vector>

#include "core/sweep_record.hpp"
#include "profiler/loop.hpp"
#include "search/adaptive_sweep.hpp"

namespace sweetspot::profiler {

/// Gives every candidate what slices of the model predict, where they are wanted and can tell;
/// nothing where not.
std::optional<SliceRecord> take_slice_prior(std::vector<search::LayerCandidate>& candidates,
                                            Loop& loop);

}  // namespace sweetspot::profiler
