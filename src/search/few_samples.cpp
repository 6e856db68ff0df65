#include "search/few_samples.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace sweetspot::search {
namespace {

// From so many samples on they speak for themselves.
constexpr std::uint32_t kEnough = 8;

// The usual spread between samples, one standard deviation as a share, and how many samples it
// counts as.
constexpr double kUsualSpread = 0.02;
constexpr double kUsualSamples = 4;

// A median of few is that much less exact than their mean.
constexpr double kMedian = 1.2533;

void narrow(std::optional<Speed>& speed) {
  if (!speed || speed->samples == 0 || speed->samples >= kEnough) return;
  const Estimate& measured = speed->ms_per_token;
  const std::size_t from = speed->warm_up_cut;
  if (speed->raw.size() < from + speed->samples || measured.value <= 0) return;
  double squares = kUsualSamples * kUsualSpread * kUsualSpread;
  for (std::size_t i = from; i < speed->raw.size(); ++i) {
    const Sample& sample = speed->raw[i];
    if (sample.tokens == 0) continue;
    squares += std::pow(sample.duration_ms / sample.tokens / measured.value - 1, 2);
  }
  const double spread = std::sqrt(squares / (kUsualSamples + speed->samples - 1));
  const double half = 1.96 * kMedian * spread / std::sqrt(speed->samples) * measured.value;
  speed->ms_per_token.low = std::max(measured.low, measured.value - half);
  speed->ms_per_token.high = std::min(measured.high, measured.value + half);
}

}  // namespace

Trial believed(Trial trial) {
  narrow(trial.generation);
  narrow(trial.prompt);
  return trial;
}

}  // namespace sweetspot::search
