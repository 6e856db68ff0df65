// A config that is loaded beside the one that is held, and the turns that the two take.
#pragma once

#include "core/error.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "profiler/events.hpp"
#include "profiler/held_model.hpp"
#include "profiler/request.hpp"
#include "profiler/site.hpp"
#include "tune/in_turn.hpp"

namespace sweetspot::profiler {

/// Not thread safe. The references must outlive it.
class TakingTurns {
 public:
  TakingTurns(Site& site, const ModelInfo& model, const Request& request, const Observer& observer)
      : site_(site), request_(request), observer_(observer), other_(site, model) {}

  /// Loads what `trial` measured. Fails before anything is started where the host has no room now
  /// for the `host_bytes` that it takes there.
  Outcome<void> load(const Trial& trial, std::uint64_t host_bytes);

  /// Until `judge` has enough, or the run is cancelled. `held` has the context that it was measured
  /// with.
  Outcome<void> take(engine::Holder& held, tune::InTurn& judge);

  /// Ends what load() started. False where it could not be ended.
  bool end() { return other_.release(); }

 private:
  /// Milliseconds per token.
  Outcome<double> pass(engine::Holder& holder, tune::Pass pass, double& last_ms);
  Outcome<double> prompt(engine::Holder& holder, std::uint32_t tokens);
  Outcome<double> generation(engine::Holder& holder, double about_ms);
  Outcome<void> warm_up(engine::Holder& holder);

  Site& site_;
  const Request& request_;
  const Observer& observer_;
  HeldModel other_;
};

}  // namespace sweetspot::profiler
