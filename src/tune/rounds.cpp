#include "tune/rounds.hpp"

#include <algorithm>
#include <cmath>

#include "measure/statistics.hpp"

namespace sweetspot::tune {

Estimate over_rounds(const std::vector<double>& ratios, double variance_within,
                     double between_loads) {
  const auto n = static_cast<double>(ratios.size());
  double mean = 0;
  for (const double ratio : ratios) mean += std::log(ratio) / n;
  double between = 0;
  for (const double ratio : ratios) {
    between += std::pow(std::log(ratio) - mean, 2) / std::max(1.0, n - 1) / n;
  }
  double half = 1.96 * std::sqrt(variance_within);
  // A prompt measured once has a wide interval by convention; rounds that agree know better.
  if (ratios.size() >= 3) {
    half = std::min(half, measure::student_t(ratios.size() - 1) * std::sqrt(between));
  }
  half = std::hypot(std::max(half, 1.96 * std::sqrt(between)), 1.96 * between_loads / std::sqrt(n));
  return Estimate{std::exp(mean), std::exp(mean - half), std::exp(mean + half)};
}

}  // namespace sweetspot::tune
