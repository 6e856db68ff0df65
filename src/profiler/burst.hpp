// A few passes one after the other, without a rule that ends them. Internal to this room.
#pragma once

#include <vector>

#include "core/error.hpp"
#include "engine/holder.hpp"

namespace sweetspot::profiler {

/// Milliseconds per token of each of the request's samples, in order; at least one.
Outcome<std::vector<double>> burst(engine::Holder& holder, const protocol::MeasureRequest& request);

}  // namespace sweetspot::profiler
