#include "measure/speed.hpp"

#include <algorithm>
#include <utility>

#include "measure/percentile.hpp"
#include "measure/sample_set.hpp"

namespace sweetspot::measure {
namespace {

std::vector<double> per_token(const std::vector<Sample>& samples) {
  std::vector<double> times;
  times.reserve(samples.size());
  for (const Sample& sample : samples) {
    if (sample.tokens == 0 || !is_valid_sample(sample.duration_ms)) continue;
    times.push_back(sample.duration_ms / sample.tokens);
  }
  return times;
}

double shortest_above_zero(const SampleSet& samples) {
  const auto sorted = samples.sorted();
  return *std::upper_bound(sorted.begin(), sorted.end() - 1, 0.0);
}

}  // namespace

Reading<Speed> make_speed(std::vector<Sample> samples, const Reading<Summary>& summary) {
  if (!summary) return Absence{summary.reason()};
  const auto all = SampleSet::make(per_token(samples));
  if (!all) return Absence{"no samples"};
  if (summary->ms_per_token.value <= 0) {
    return Absence{"the timer read 0 ms for half of the samples or more"};
  }
  const SampleSet kept = all->without_first(summary->warm_up_cut);

  Speed speed;
  speed.ms_per_token = summary->ms_per_token;
  if (speed.ms_per_token.low <= 0) {
    speed.ms_per_token.low = std::min(shortest_above_zero(kept), speed.ms_per_token.value);
  }
  speed.tokens_per_second = per_second(speed.ms_per_token);
  speed.stop_reason = summary->reason;
  speed.samples = summary->samples;
  speed.warm_up_cut = summary->warm_up_cut;
  speed.target_half_width = summary->target_half_width;
  speed.p50_ms = percentile(kept, 50);
  speed.p90_ms = percentile(kept, 90);
  speed.p95_ms = percentile(kept, 95);
  speed.p99_ms = percentile(kept, 99);
  speed.raw = std::move(samples);
  return speed;
}

}  // namespace sweetspot::measure
