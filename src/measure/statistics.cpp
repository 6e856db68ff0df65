#include "measure/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace sweetspot::measure {
namespace {

constexpr double kNormal95 = 1.959964;      // 97.5 % point of the normal distribution
constexpr double kMadToSigma = 1.4826;      // 1 / 75 % point of the normal distribution
constexpr double kMedianToMean = 1.253314;  // sqrt(pi / 2): standard error of a normal median
constexpr double kClipSigmas = 3;
constexpr double kWorthCutting = 0.8;  // a cut must lower MSER's statistic to this share

double middle_of(std::span<const double> sorted) {
  const std::size_t half = sorted.size() / 2;
  if (sorted.size() % 2 == 1) return sorted[half];
  return sorted[half - 1] + (sorted[half] - sorted[half - 1]) / 2;
}

/// The series less its mean; exactly 0 throughout where all values are equal.
std::vector<double> centred(std::vector<double> values) {
  const double origin = values.front();
  double mean = 0;
  for (double& value : values) {
    value -= origin;
    mean += value / static_cast<double>(values.size());
  }
  for (double& value : values) value -= mean;
  return values;
}

double lagged_sum(const std::vector<double>& series, std::size_t lag) {
  double sum = 0;
  for (std::size_t i = lag; i < series.size(); ++i) sum += series[i] * series[i - lag];
  return sum;
}

/// Requires two values.
double standard_deviation(std::span<const double> values) {
  const auto series = centred({values.begin(), values.end()});
  return std::sqrt(lagged_sum(series, 0) / static_cast<double>(series.size() - 1));
}

/// The value at a rank between 1 and the number of samples, neighbours interpolated.
double at_rank(std::span<const double> sorted, double rank) {
  const double index = std::clamp(rank - 1, 0.0, static_cast<double>(sorted.size() - 1));
  const auto below = static_cast<std::size_t>(index);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (index - static_cast<double>(below));
}

/// What is left to say where order statistics cannot reach 95 %. A factor either way, not a
/// distance: a time stays above 0, and time and speed are equally uncertain.
Estimate short_interval(const SampleSet& samples, double tau) {
  const double value = median(samples);
  if (samples.size() == 1) return {value, value / 2, value * 2};
  const double least = samples.sorted().front();
  const double most = samples.sorted().back();
  if (value <= 0) return {value, least, most};
  const auto count = static_cast<double>(samples.size());
  const auto independent = static_cast<std::size_t>(std::max(1.0, count / tau));
  const double error =
      kMedianToMean * standard_deviation(samples.values()) * std::sqrt(tau / count);
  const double factor = 1 + student_t(independent - 1) * error / value;
  return {value, std::min(least, value / factor), std::max(most, value * factor)};
}

/// The series with values beyond kClipSigmas pulled in; unchanged where most values are equal.
std::vector<double> clipped(const SampleSet& samples) {
  std::vector<double> values(samples.values().begin(), samples.values().end());
  const double reach = kClipSigmas * kMadToSigma * median_absolute_deviation(samples);
  if (reach <= 0) return values;
  const double centre = median(samples);
  for (double& value : values) value = std::clamp(value, centre - reach, centre + reach);
  return values;
}

}  // namespace

double student_t(std::size_t degrees_of_freedom) {
  constexpr std::array<double, 30> kTable = {
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
      2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  const std::size_t row = std::max<std::size_t>(degrees_of_freedom, 1) - 1;
  return row < kTable.size() ? kTable[row] : kNormal95;
}

double median(const SampleSet& samples) { return middle_of(samples.sorted()); }

double median_absolute_deviation(const SampleSet& samples) {
  const double centre = median(samples);
  std::vector<double> distances;
  distances.reserve(samples.size());
  for (const double value : samples.values()) distances.push_back(std::abs(value - centre));
  std::sort(distances.begin(), distances.end());
  return middle_of(distances);
}

std::size_t warm_up_cut(const SampleSet& samples, std::size_t at_least) {
  const std::size_t count = samples.size();
  const std::size_t first = std::min(at_least, count / 3);
  const std::size_t spare = count > kFewestForInterval ? count - kFewestForInterval : 0;
  const std::size_t last = std::max(first, std::min(count / 2, spare));
  const std::vector<double> values = clipped(samples);

  // Welford's update from the back: after step d, `squares` belongs to the series without its
  // first d.
  double mean = 0;
  double squares = 0;
  double best = std::numeric_limits<double>::infinity();
  double uncut = best;
  std::size_t cut = first;
  for (std::size_t d = count; d-- > first;) {
    const auto kept = static_cast<double>(count - d);
    const double distance = values[d] - mean;
    mean += distance / kept;
    squares += distance * (values[d] - mean);
    uncut = squares / (kept * kept);
    if (d > last || uncut > best) continue;
    best = uncut;
    cut = d;
  }
  return best <= kWorthCutting * uncut ? cut : first;
}

double autocorrelation_time(const SampleSet& samples) {
  const auto count = static_cast<double>(samples.size());
  const std::vector<double> series = centred(clipped(samples));
  const double variance = lagged_sum(series, 0);
  if (variance <= 0) return 1;
  const double raw = lagged_sum(series, 1) / variance;
  const double correlation = raw + (1 + 4 * raw) / count;
  if (correlation <= 0) return 1;
  if (correlation >= 1) return count;
  return std::min((1 + correlation) / (1 - correlation), count);
}

Estimate median_interval(const SampleSet& samples) {
  const double tau = autocorrelation_time(samples);
  const auto count = static_cast<double>(samples.size());
  const double centre = (count + 1) / 2;
  const double reach = kNormal95 / 2 * std::sqrt(count * tau);
  if (centre - reach < 1) return short_interval(samples, tau);
  const std::span<const double> sorted = samples.sorted();
  return {median(samples), at_rank(sorted, centre - reach), at_rank(sorted, centre + reach)};
}

double relative_half_width(const Estimate& estimate) {
  if (estimate.value <= 0) return std::numeric_limits<double>::infinity();
  return (estimate.high - estimate.low) / 2 / estimate.value;
}

Reading<double> pearson(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) return Absence{"the series differ in length"};
  if (x.size() < 3) return Absence{"needs 3 values, has " + std::to_string(x.size())};
  const auto from_mean_x = centred({x.begin(), x.end()});
  const auto from_mean_y = centred({y.begin(), y.end()});
  const double xx = lagged_sum(from_mean_x, 0);
  const double yy = lagged_sum(from_mean_y, 0);
  if (!std::isfinite(xx) || !std::isfinite(yy)) return Absence{"a value is not finite"};
  if (xx <= 0 || yy <= 0) return Absence{"all values are equal"};
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) xy += from_mean_x[i] * from_mean_y[i];
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

}  // namespace sweetspot::measure
