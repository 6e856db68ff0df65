// A stretch of time on the sampler's clock.
#pragma once

namespace sweetspot::profiler {

/// When one kind of work ran, from its first sample on: what it allocates once is there by then.
/// Empty where it never came to two samples.
struct Span {
  double begin_ms = 0;  ///< as devices::Snapshot::at_ms
  double end_ms = 0;

  [[nodiscard]] bool holds(double at_ms) const { return begin_ms <= at_ms && at_ms <= end_ms; }
};

}  // namespace sweetspot::profiler
