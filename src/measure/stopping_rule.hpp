// When a measurement may end: three verbs, no clock of its own, and it says why it stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot::measure {

struct StoppingOptions {
  double target_half_width = 0.01;    ///< relative to the median, 95 % confidence
  std::uint32_t min_samples = 12;     ///< kept, after the warm-up cut
  std::uint32_t passes_in_a_row = 3;  ///< checks that must meet the target one after another
  std::uint32_t min_warm_up = 2;      ///< always cut, as far as a third of the series allows
  double max_seconds = 20;            ///< of measuring, in samples or between them
  std::uint32_t max_samples = 4096;   ///< warm-up included
};

/// What the samples say so far.
struct Verdict {
  StopReason reason = StopReason::precision;
  Estimate ms_per_token;            ///< of the median, after the cut
  double relative_half_width = 0;   ///< 0.01 = 1 %
  double target_half_width = 0;     ///< what was asked for
  std::uint32_t samples = 0;        ///< kept
  std::uint32_t warm_up_cut = 0;    ///< cut from the front
  double autocorrelation_time = 1;  ///< samples / this = independent samples
};

/// Feed every sample in order; ask after each. Samples are only looked at one by one up to 100,
/// then each time 1 % more have come: the work stays small and the passes in a row mean something.
/// Not thread safe.
class StoppingRule {
 public:
  explicit StoppingRule(StoppingOptions options = {});

  /// False, and the sample is ignored, where it is not a time per token: not finite, negative, or
  /// of no tokens. Time passed is the sum of durations or the span of the worker's clock from the
  /// first start to the last end, whichever is longer.
  bool add(const Sample& sample);

  [[nodiscard]] bool is_finished() const { return finished_; }

  /// Absent before the first sample. Asked before is_finished() (the caller was interrupted, or has
  /// no more samples) the reason is sample_cap.
  [[nodiscard]] Reading<Verdict> verdict() const;

 private:
  [[nodiscard]] Verdict judge(StopReason reason) const;
  void check_precision();

  StoppingOptions options_;
  std::vector<double> ms_per_token_;
  double first_start_ms_ = 0;
  double span_ms_ = 0;
  double sum_ms_ = 0;
  std::size_t next_check_ = 0;
  std::uint32_t passes_ = 0;
  bool finished_ = false;
  StopReason reason_ = StopReason::sample_cap;
};

}  // namespace sweetspot::measure
