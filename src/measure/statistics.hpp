// Robust statistics of one series of times. Pure functions, thread safe, no allocation kept.
//
// docs/measuring.md states every formula once more with its source and shows the coverage measured.
#pragma once

#include <cstddef>
#include <span>

#include "core/reading.hpp"
#include "core/trial.hpp"
#include "measure/sample_set.hpp"

namespace sweetspot::measure {

/// The middle value, or the mean of the two middle ones.
double median(const SampleSet& samples);

/// Median of the distances to the median, unscaled (times 1.4826 it estimates a normal sigma).
double median_absolute_deviation(const SampleSet& samples);

/// Fewest samples whose extremes enclose the median with 95 % confidence (1 - 2^(1-6) = 97 %), so
/// also the fewest a warm-up cut leaves.
inline constexpr std::size_t kFewestForInterval = 6;

/// How many samples at the front belong to warm-up: MSER (White 1997), the cut d that minimises
/// (sum of squared distances to the mean after d) / (n - d)^2, over d from `at_least` to half of
/// the series, leaving at least kFewestForInterval. `at_least` is honoured up to a third of the
/// series. Two guards: values further than 3 sigma (from the MAD) from the median are pulled in
/// first, so that one stall in mid-series does not look like warm-up's end; and a cut beyond
/// `at_least` must lower the statistic by a fifth, so that plain noise is not called warm-up.
std::size_t warm_up_cut(const SampleSet& samples, std::size_t at_least = 0);

/// The factor by which correlation between neighbours shrinks the sample: (1 + r) / (1 - r) for the
/// lag-1 correlation r (Bayley and Hammersley 1946), corrected for its bias in short series by
/// (1 + 4 r) / n (Kendall 1954), of the series with its outliers pulled in as above. From 1 (also
/// where neighbours repel each other) to n.
double autocorrelation_time(const SampleSet& samples);

/// 95 % interval of the median from order statistics, widened by the autocorrelation time tau: the
/// values at ranks (n + 1) / 2 -+ 1.96 / 2 sqrt(n tau), interpolated. No distribution is assumed.
/// Where the series is too short for such ranks the interval is the samples' range or, where that
/// is further, median / f and median * f with f = 1 + 1.2533 t s sqrt(tau / n) / median: s the
/// standard deviation, t Student's with n / tau - 1 degrees of freedom. One sample says nothing of
/// its spread: half to double its value, by convention.
Estimate median_interval(const SampleSet& samples);

/// 97.5 % point of Student's t; the normal distribution's above 30 degrees of freedom. Zero degrees
/// count as one.
double student_t(std::size_t degrees_of_freedom);

/// Half of the interval's width as a share of the value; infinite where that is 0.
double relative_half_width(const Estimate& estimate);

/// Pearson's correlation, -1..1. Absent where the series differ in length, have fewer than 3
/// values, hold a value that is not finite, or one of them is constant.
Reading<double> pearson(std::span<const double> x, std::span<const double> y);

}  // namespace sweetspot::measure
