// What the trials say as a whole (M7).
#pragma once

#include <vector>

#include "core/profile.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"

namespace sweetspot::profiles {

/// Indexes of the result point into `trials`.
///  - optimum: the fastest of the trials without an objection (recommendable.hpp) whose
///  vram_percent
///    does not exceed the top band; 0 layers are safe whatever is known of the memory. Ties as in
///    ranking.hpp, listed in tied_with_optimum. Where `decided` names it, it is that (decided.hpp).
///  - fastest: of all that were measured, recommendable or not.
///  - speed_up_over_cpu: absent where 0 layers were slowed down from outside and the optimum was
///  not: held against such a reference everything wins.
///  - vram_bytes_per_layer: Theil-Sen slope of vram_used_bytes over the rows with layers > 0.
///  - diminishing_after_layers: time per token is taken as linear between measured rows, so a layer
///    gains (time it saves) / (time left with it); the least measured count from which on no
///    further layer gains kWorthwhileGain of speed. Trials that spilled do not count.
///  - temperature_rise_c: the hottest reading of any trial less the first one of the run.
/// What cannot be said is absent with the reason.
Analysis analyse(const std::vector<Trial>& trials, const Bands& bands,
                 const std::vector<Decision>& decided = {});

}  // namespace sweetspot::profiles
