// Whether a config computes what the others compute.
#pragma once

#include <vector>

#include "core/error.hpp"
#include "core/trial.hpp"
#include "profiler/events.hpp"
#include "profiler/held_model.hpp"

namespace sweetspot::profiler {

/// Remembers the logits of the first configuration checked, which has the fewest layers on a
/// device. Not thread safe. `observer` must outlive it.
class OutputCheck {
 public:
  /// A quantized cache whose mean divergence from an f16 one is larger is refused.
  OutputCheck(double max_divergence, const Observer& observer)
      : max_divergence_(max_divergence), observer_(observer) {}

  /// What a smaller cache costs in quality, held against an f16 cache of the same placement;
  /// nothing where the cache is not smaller. Leaves another context behind. Where a context costs a
  /// load only the reference is kept, and the rest is left to check_divergence_in_its_own().
  Outcome<void> check_divergence(HeldModel& held, Trial& trial) const;

  /// The same once the trial's context is made, where that saves a load.
  Outcome<void> check_divergence_in_its_own(HeldModel& held, Trial& trial) const;

  /// Finite output is not enough (R14): a config that computes something else than the first one
  /// measured is as useless as one that crashes.
  Outcome<void> check_logits(HeldModel& held, Trial& trial);

 private:
  Outcome<void> compare(HeldModel& held, Trial& trial) const;

  double max_divergence_;
  const Observer& observer_;
  std::vector<float> reference_logits_;
  int reference_layers_ = 0;
};

}  // namespace sweetspot::profiler
