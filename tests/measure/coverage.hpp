// How good the stopping rule is on a noise model: many seeded runs of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "measure/noise_models.hpp"
#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"
#include "measure/stopping_rule.hpp"

namespace sweetspot::measure::testing {

struct Coverage {
  double median_samples = 0;    ///< fed to the rule, warm-up included
  double within_1_percent = 0;  ///< share of runs whose estimate is that near the truth
  double interval_holds = 0;    ///< share of runs whose interval contains the truth
};

/// Feeds one seeded series until the rule has enough.
inline Summary run_rule(Noise noise, std::uint64_t seed, const StoppingOptions& options) {
  StoppingRule rule(options);
  Series series(noise, seed);
  while (!rule.is_finished()) rule.add(Sample{0, series.next(), 1});
  return rule.summary().value();
}

inline Coverage coverage(Noise noise, int runs, const StoppingOptions& options) {
  std::vector<double> fed;
  int near = 0;
  int held = 0;
  for (int run = 0; run < runs; ++run) {
    const Summary summary = run_rule(noise, 1000 + static_cast<std::uint64_t>(run), options);
    fed.push_back(summary.samples + summary.warm_up_cut);
    const Estimate& ms = summary.ms_per_token;
    near += std::abs(ms.value - kTrueMs) <= 0.01 * kTrueMs ? 1 : 0;
    held += ms.low <= kTrueMs && kTrueMs <= ms.high ? 1 : 0;
  }
  std::nth_element(fed.begin(), fed.begin() + runs / 2, fed.end());
  return {fed[static_cast<std::size_t>(runs / 2)], static_cast<double>(near) / runs,
          static_cast<double>(held) / runs};
}

struct IntervalCoverage {
  double holds = 0;
  double median_half_width = 0;  ///< relative
};

/// Series of exactly `count` samples of 3 % noise, no rule involved.
inline IntervalCoverage interval_coverage(int count, int runs) {
  std::vector<double> widths;
  int held = 0;
  for (int run = 0; run < runs; ++run) {
    Series series(Noise::normal_3, 1000 + static_cast<std::uint64_t>(run));
    std::vector<double> times(static_cast<std::size_t>(count));
    std::generate(times.begin(), times.end(), [&] { return series.next(); });
    const Estimate ms = median_interval(SampleSet::make(std::move(times)).value());
    held += ms.low <= kTrueMs && kTrueMs <= ms.high ? 1 : 0;
    widths.push_back(relative_half_width(ms));
  }
  std::nth_element(widths.begin(), widths.begin() + runs / 2, widths.end());
  return {static_cast<double>(held) / runs, widths[static_cast<std::size_t>(runs / 2)]};
}

}  // namespace sweetspot::measure::testing
