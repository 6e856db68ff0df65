#include "search/depth_growth.hpp"

#include <algorithm>
#include <cmath>

namespace sweetspot::search {
namespace {

// A rate that nothing was measured of may be this many times the largest one that was seen.
constexpr double kPriorFactor = 3;

// Two depths are measured minutes apart at most, but not in turn: what the machine does in between
// is no growth. A share of the time.
constexpr double kBetweenDepths = 0.01;

double extra_sd_ms(const DepthObservation& seen) {
  return std::hypot(std::hypot(sd_of(seen.shallow_ms), sd_of(seen.deep_ms)),
                    kBetweenDepths * seen.shallow_ms.value);
}

double rate_ms(const DepthObservation& seen) {
  return (seen.deep_ms.value - seen.shallow_ms.value) * 1000 / seen.tokens;
}

}  // namespace

Coefficient DepthGrowth::added_ms(double device_share, double tokens) const {
  const double on_cpu = 1 - device_share;
  const double rate = on_cpu * cpu_ms.value + device_share * device_ms.value;
  const double variance = std::pow(on_cpu * cpu_ms.sd, 2) +
                          std::pow(device_share * device_ms.sd, 2) +
                          2 * on_cpu * device_share * covariance;
  return {std::max(0.0, rate) * tokens / 1000, std::sqrt(std::max(0.0, variance)) * tokens / 1000};
}

DepthGrowth fit_depth_growth(const std::vector<DepthObservation>& observations) {
  DepthGrowth growth;
  growth.observations = observations.size();
  if (observations.empty()) return growth;
  double largest = 0;
  for (const DepthObservation& seen : observations) {
    largest = std::max(largest, std::abs(rate_ms(seen)) + extra_sd_ms(seen) * 1000 / seen.tokens);
  }
  // Normal equations of two unknowns: [cc cd; cd dd] * rates = [yc yd].
  const double prior = 1 / std::pow(kPriorFactor * largest, 2);
  double cc = prior;
  double dd = prior;
  double cd = 0;
  double yc = 0;
  double yd = 0;
  for (const DepthObservation& seen : observations) {
    const double on_cpu = 1 - seen.device_share;
    const double weight = 1 / std::pow(extra_sd_ms(seen) * 1000 / seen.tokens, 2);
    cc += weight * on_cpu * on_cpu;
    cd += weight * on_cpu * seen.device_share;
    dd += weight * seen.device_share * seen.device_share;
    yc += weight * on_cpu * rate_ms(seen);
    yd += weight * seen.device_share * rate_ms(seen);
  }
  const double determinant = cc * dd - cd * cd;
  growth.cpu_ms = {std::max(0.0, (dd * yc - cd * yd) / determinant), std::sqrt(dd / determinant)};
  growth.device_ms = {std::max(0.0, (cc * yd - cd * yc) / determinant),
                      std::sqrt(cc / determinant)};
  growth.covariance = -cd / determinant;
  return growth;
}

}  // namespace sweetspot::search
