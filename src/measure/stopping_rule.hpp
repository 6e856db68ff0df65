// Decides when a measurement may end, and says why it stopped. It has no clock of its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot::measure {

/// However far a series is behind, its time must still be known so well: others are predicted from
/// it.
inline constexpr double kOutrunHalfWidth = 0.05;

inline constexpr double kGoodEnough = 2;
inline constexpr double kGoodEnoughShare = 1.0 / 3;

struct StoppingOptions {
  double target_half_width = 0.01;    ///< relative to the median, 95 % confidence
  std::uint32_t min_samples = 12;     ///< kept, after the warm-up cut
  std::uint32_t passes_in_a_row = 3;  ///< checks that must meet the target one after another
  std::uint32_t min_warm_up = 2;      ///< always cut, as far as a third of the series allows
  /// Time per token of what this only has to beat; 0 = nothing. What is slower by a gap is known
  /// well enough once its half-width is a quarter of that gap, or kOutrunHalfWidth.
  double rival_ms = 0;
  /// Of measuring, in samples or between them, as nearly as whole samples allow. From a third of it
  /// on kGoodEnough times the target is enough: halving an interval takes four times the samples.
  double max_seconds = 20;
  /// Where that time gives fewer samples than these, warm-up included, it is extended up to this:
  /// an interval of three or four says nothing of a token that takes a second.
  std::uint32_t fewest_samples = 0;
  double extended_seconds = 0;
  std::uint32_t max_samples = 4096;  ///< warm-up included
};

/// What the samples say so far.
struct Summary {
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
  [[nodiscard]] Reading<Summary> summary() const;

 private:
  [[nodiscard]] Summary summarize(StopReason reason) const;
  [[nodiscard]] double enough_half_width() const;
  [[nodiscard]] double outrun_half_width(const Summary& now) const;
  [[nodiscard]] double elapsed_ms() const { return std::max(sum_ms_, span_ms_); }
  [[nodiscard]] bool is_out_of_time() const;
  [[nodiscard]] StopReason reason_for(double half_width) const;
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
