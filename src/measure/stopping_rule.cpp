#include "measure/stopping_rule.hpp"

#include <algorithm>
#include <cmath>

#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"

namespace sweetspot::measure {
namespace {

constexpr std::size_t kChecksPerDoubling = 100;  // a check each time the series grows by 1 / this

}  // namespace

StoppingRule::StoppingRule(StoppingOptions options)
    : options_(options), next_check_(options.min_samples) {}

bool StoppingRule::add(const Sample& sample) {
  if (sample.tokens == 0 || !is_valid_sample(sample.duration_ms)) return false;
  if (ms_per_token_.empty()) first_start_ms_ = sample.start_ms;
  ms_per_token_.push_back(sample.duration_ms / sample.tokens);
  sum_ms_ += sample.duration_ms;
  const double span_ms = sample.start_ms + sample.duration_ms - first_start_ms_;
  if (std::isfinite(span_ms)) span_ms_ = std::max(span_ms_, span_ms);
  if (finished_) return true;

  check_precision();
  if (finished_) return true;
  if (is_out_of_time()) {
    finished_ = true;
    reason_ = StopReason::time_cap;
  } else if (ms_per_token_.size() >= options_.max_samples) {
    finished_ = true;
    reason_ = StopReason::sample_cap;
  }
  return true;
}

double StoppingRule::enough_half_width() const {
  const bool patient = elapsed_ms() < options_.max_seconds * kMsPerSecond * kGoodEnoughShare;
  return patient ? options_.target_half_width : kGoodEnough * options_.target_half_width;
}

// A quarter of the gap leaves the rival four half-widths away: no further sample would change who
// is faster.
double StoppingRule::outrun_half_width(const Summary& now) const {
  if (options_.rival_ms <= 0) return 0;
  return std::min((now.ms_per_token.value / options_.rival_ms - 1) / 4, kOutrunHalfWidth);
}

// Another sample like those before would end further beyond the cap than the last one before it.
bool StoppingRule::is_out_of_time() const {
  const double half_a_sample_ms = sum_ms_ / static_cast<double>(ms_per_token_.size()) / 2;
  const bool few = ms_per_token_.size() < options_.fewest_samples;
  const double allowed_seconds =
      few ? std::max(options_.max_seconds, options_.extended_seconds) : options_.max_seconds;
  const double left_ms = allowed_seconds * kMsPerSecond - elapsed_ms();
  return left_ms <= (ms_per_token_.size() > 1 ? half_a_sample_ms : 0);
}

StopReason StoppingRule::reason_for(double half_width) const {
  if (half_width <= options_.target_half_width) return StopReason::precision;
  return half_width <= enough_half_width() ? StopReason::time_cap : StopReason::outrun;
}

void StoppingRule::check_precision() {
  const std::size_t count = ms_per_token_.size();
  if (count < next_check_) return;
  next_check_ = count + std::max<std::size_t>(1, count / kChecksPerDoubling);
  const Summary now = summarize(StopReason::precision);
  const double wanted = std::max(enough_half_width(), outrun_half_width(now));
  const bool passes = now.samples >= options_.min_samples && now.relative_half_width <= wanted;
  passes_ = passes ? passes_ + 1 : 0;
  if (passes_ < std::max(options_.passes_in_a_row, 1U)) return;
  finished_ = true;
  reason_ = reason_for(now.relative_half_width);
}

Summary StoppingRule::summarize(StopReason reason) const {
  Summary summary;
  summary.reason = reason;
  summary.target_half_width = options_.target_half_width;
  const auto all = SampleSet::make(ms_per_token_);
  if (!all) return summary;  // add() lets nothing in that could bring us here
  const std::size_t cut = warm_up_cut(*all, options_.min_warm_up);
  const SampleSet kept = all->without_first(cut);
  summary.ms_per_token = median_interval(kept);
  summary.relative_half_width = relative_half_width(summary.ms_per_token);
  summary.samples = static_cast<std::uint32_t>(kept.size());
  summary.warm_up_cut = static_cast<std::uint32_t>(cut);
  summary.autocorrelation_time = autocorrelation_time(kept);
  return summary;
}

Reading<Summary> StoppingRule::summary() const {
  if (ms_per_token_.empty()) return Absence{"no samples"};
  return summarize(reason_);
}

}  // namespace sweetspot::measure
