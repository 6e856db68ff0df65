// Whether a config also decodes with its whole context in use (R32).
#pragma once

#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "engine/holder.hpp"
#include "profiler/events.hpp"
#include "profiler/request.hpp"

namespace sweetspot::profiler {

/// Notes on the trial what became of it, or why it was not tried: a config that fails here has been
/// measured all the same.
void verify_whole_context(engine::Holder& holder, Trial& trial, const Request& request,
                          const ModelInfo& model, const Observer& observer);

}  // namespace sweetspot::profiler
