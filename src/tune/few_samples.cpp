#include "tune/few_samples.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "measure/statistics.hpp"

namespace sweetspot::tune {
namespace {

// From so many samples on they speak for themselves.
constexpr std::uint32_t kEnough = 8;

// The usual spread between samples, one standard deviation as a share, and how many samples it
// counts as.
constexpr double kUsualSpread = 0.02;
constexpr double kUsualSamples = 4;

// A median of few is that much less exact than their mean.
constexpr double kMedian = 1.2533;

bool is_few(const Speed& speed) {
  return speed.samples > 0 && speed.samples < kEnough && speed.ms_per_token.value > 0 &&
         speed.raw.size() >= speed.warm_up_cut + speed.samples;
}

/// Of the samples kept, as shares of the value.
double sum_of_squares(const Speed& speed) {
  double sum = 0;
  for (std::size_t i = speed.warm_up_cut; i < speed.raw.size(); ++i) {
    const Sample& sample = speed.raw[i];
    if (sample.tokens == 0) continue;
    sum += std::pow(sample.duration_ms / sample.tokens / speed.ms_per_token.value - 1, 2);
  }
  return sum;
}

/// Standard error of the value, as a share.
double error_of(const Speed& speed, double spread) {
  return kMedian * spread / std::sqrt(speed.samples);
}

void narrow(std::optional<Speed>& speed) {
  if (!speed || !is_few(*speed)) return;
  const Estimate& measured = speed->ms_per_token;
  const double squares = kUsualSamples * kUsualSpread * kUsualSpread + sum_of_squares(*speed);
  const double spread = std::sqrt(squares / (kUsualSamples + speed->samples - 1));
  const double half = 1.96 * error_of(*speed, spread) * measured.value;
  speed->ms_per_token.low = std::max(measured.low, measured.value - half);
  speed->ms_per_token.high = std::min(measured.high, measured.value + half);
}

}  // namespace

Trial believed(Trial trial) {
  narrow(trial.generation);
  narrow(trial.prompt);
  return trial;
}

void PooledSpread::Squares::add(const Speed& speed) {
  if (!is_few(speed)) return;
  sum += sum_of_squares(speed);
  degrees_of_freedom += speed.samples - 1;
}

void PooledSpread::Squares::apply_to(Speed& speed) const {
  if (!is_few(speed) || degrees_of_freedom == 0) return;
  const double spread = std::sqrt(sum / static_cast<double>(degrees_of_freedom));
  // A factor either way, as in the interval of one trial (measure/statistics.hpp).
  const double factor = 1 + measure::student_t(degrees_of_freedom) * error_of(speed, spread);
  const double value = speed.ms_per_token.value;
  speed.ms_per_token = {value, value / factor, value * factor};
}

void PooledSpread::add(const Trial& trial) {
  if (trial.generation) generation_.add(*trial.generation);
  if (trial.prompt) prompt_.add(*trial.prompt);
}

Trial PooledSpread::applied_to(Trial trial) const {
  if (trial.generation) generation_.apply_to(*trial.generation);
  if (trial.prompt) prompt_.apply_to(*trial.prompt);
  return trial;
}

}  // namespace sweetspot::tune
