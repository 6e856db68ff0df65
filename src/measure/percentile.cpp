#include "measure/percentile.hpp"

#include <fmt/format.h>

#include <cmath>

namespace sweetspot::measure {
namespace {

constexpr double kDoubt = 0.01;  // 1 - confidence

/// Probability that of `count` samples exactly `above` lie above the percentile, given the
/// probability for one fewer above.
double next_term(double term, std::size_t count, std::size_t above, double share_above) {
  const auto n = static_cast<double>(count);
  const auto k = static_cast<double>(above);
  return term * (n - k + 1) / k * share_above / (1 - share_above);
}

/// The most samples t for which P(at most t above the percentile) <= kDoubt; 0 also where none is.
/// Sums the binomial from the bottom; its terms may vanish far below, but those near the answer
/// hold a part of kDoubt and do not, as long as the first does not vanish: see kMostCounted.
std::size_t droppable(std::size_t count, double share_above) {
  double term = std::exp(static_cast<double>(count) * std::log1p(-share_above));
  double sum = term;
  std::size_t above = 0;
  while (above < count) {
    term = next_term(term, count, above + 1, share_above);
    if (sum + term > kDoubt) break;
    sum += term;
    ++above;
  }
  return above;
}

/// Beyond this many samples (of those above the percentile, in expectation) the binomial's first
/// term underflows; the normal approximation is exact enough there.
constexpr double kMostCounted = 600;

std::size_t droppable_normal(std::size_t count, double share_above) {
  constexpr double kNormal99 = 2.326348;
  const double mean = static_cast<double>(count) * share_above;
  const double rank = mean - kNormal99 * std::sqrt(mean * (1 - share_above)) - 1;
  return static_cast<std::size_t>(rank);
}

std::size_t most_above(std::size_t count, double share_above) {
  const double exponent = -static_cast<double>(count) * std::log1p(-share_above);
  return exponent < kMostCounted ? droppable(count, share_above)
                                 : droppable_normal(count, share_above);
}

}  // namespace

std::size_t samples_needed(double percent) {
  const double share_above = 1 - percent / 100;
  std::size_t count = 1;
  while (most_above(count, share_above) == 0) ++count;
  return count;
}

Reading<double> percentile(const SampleSet& samples, double percent) {
  const std::size_t above = most_above(samples.size(), 1 - percent / 100);
  if (above == 0) {
    return Absence{
        fmt::format("needs {} samples, has {}", samples_needed(percent), samples.size())};
  }
  return samples.sorted()[samples.size() - above];
}

}  // namespace sweetspot::measure
