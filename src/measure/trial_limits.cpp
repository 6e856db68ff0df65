#include "measure/trial_limits.hpp"

#include <algorithm>

#include "measure/statistics.hpp"

namespace sweetspot::measure {
namespace {

// What a generation may take of a trial's time; the rest is the prompt's.
constexpr double kGenerationShare = 0.6;

// The same of a trial that only explores.
constexpr double kExploreShare = 0.25;

// What a generation takes in any case, up to twice the trial's time: the warm-up and as few samples
// as have an interval by order statistics. Of three or four the interval is so wide that nothing
// can be decided, so models that need seconds for a token would be measured in vain.
constexpr std::uint32_t kFewestSamples = 2 + kFewestForInterval;
constexpr double kExtendedShare = 2;

// The precision that is enough for such a trial: speeds that differ by less tie.
constexpr double kExplorePrecision = 0.02;

}  // namespace

StoppingOptions generation_options(const TrialLimits& limits, const Workload& workload,
                                   Extent extent, double rival_ms) {
  StoppingOptions options;
  options.fewest_samples = kFewestSamples;
  options.extended_seconds = limits.max_seconds * kExtendedShare;
  // A speed that is only compared needs less than one that is recommended.
  if (extent == Extent::generation_only) {
    options.target_half_width = std::max(limits.precision, kExplorePrecision);
    options.max_seconds = limits.max_seconds * kExploreShare;
    options.rival_ms = rival_ms;
    return options;
  }
  options.target_half_width = limits.precision;
  options.max_seconds = limits.max_seconds * (workload.n_prompt > 0 ? kGenerationShare : 1.0);
  return options;
}

StoppingOptions input_options(const TrialLimits& limits, Extent extent, double rival_ms) {
  Workload alone;
  alone.n_prompt = 0;
  return generation_options(limits, alone, extent, rival_ms);
}

StoppingOptions prompt_options(const TrialLimits& limits) {
  StoppingOptions options;
  options.target_half_width = limits.precision;
  options.max_seconds = limits.max_seconds * (1 - kGenerationShare);
  return options;
}

bool is_precise(const Speed& speed, const TrialLimits& limits) {
  return relative_half_width(speed.ms_per_token) <= limits.precision;
}

}  // namespace sweetspot::measure
