// Tail latency as MLPerf's LoadGen reports it: never flattering, and absent where samples are few.
#pragma once

#include <cstddef>

#include "core/reading.hpp"
#include "measure/sample_set.hpp"

namespace sweetspot::measure {

/// Fewest samples of which, with 99 % confidence, more than one lies above the p-th percentile:
/// 11 for p50, 64 for p90, 130 for p95, 662 for p99. `percent` is in (0, 100).
std::size_t samples_needed(double percent);

/// A value that the p-th percentile does not exceed, with 99 % confidence: of n samples the t-th
/// largest, t the most for which P(at most t of n above the percentile) <= 1 %. Absent ("needs 662
/// samples, has 40") below samples_needed(). Assumes independent samples.
Reading<double> percentile(const SampleSet& samples, double percent);

}  // namespace sweetspot::measure
