// The speeds of what is loaded: passes until they are exact enough, again where something disturbed
// them, and what a driver told meanwhile.
#pragma once

#include <vector>

#include "core/error.hpp"
#include "core/trial.hpp"
#include "measure/stopping_rule.hpp"
#include "measure/trial_limits.hpp"
#include "profiler/events.hpp"
#include "profiler/marks.hpp"
#include "profiler/memory_account.hpp"
#include "profiler/request.hpp"
#include "profiler/site.hpp"
#include "profiler/watch.hpp"

namespace sweetspot::profiler {

/// Which speeds to measure now.
struct WantedSpeeds {
  bool generation = true;
  bool prompt = true;
  double rival_ms = 0;  ///< as TrialAsk
};

/// What a trial may cost by the request.
measure::TrialLimits limits_of(const Request& request);

/// Remembers whether drivers name processes and how long neighbours are waited for. Not thread
/// safe. The references must outlive it.
class Speeds {
 public:
  Speeds(const Request& request, Site& site, const Observer& observer);

  /// Measured again where something disturbed it; what is left of that is marked (R7, R9).
  Outcome<void> measure(engine::Holder& holder, Trial& trial, const WantedSpeeds& wanted,
                        MemoryAccount& memory);

 private:
  [[nodiscard]] WatchWorld world_for(const engine::Holder& holder, const Trial& trial,
                                     const MemoryAccount& memory);
  void remember(const Watched& watched);
  Outcome<void> measure_once(engine::Holder& holder, Trial& trial, const WantedSpeeds& wanted,
                             SpeedSpans& spans);
  Outcome<void> measure_generation(engine::Holder& holder, Trial& trial, double rival_ms,
                                   SpeedSpans& spans);
  Outcome<void> measure_prompt(engine::Holder& holder, Trial& trial, double rival_ms,
                               SpeedSpans& spans);
  Outcome<Speed> measure_passes(engine::Holder& holder, const protocol::MeasureRequest& passes,
                                const measure::StoppingOptions& options, Span& span);

  const Request& request_;
  Site& site_;
  const Observer& observer_;
  bool processes_known_ = false;  ///< the driver tells who works on the devices
  WatchLimits patience_;          ///< how long neighbours are waited for
};

}  // namespace sweetspot::profiler
