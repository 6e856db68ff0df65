// A machine that is a table of what somebody once measured.
#pragma once

#include <optional>
#include <vector>

#include "core/config.hpp"
#include "machine/machine.hpp"
#include "machine/parts.hpp"

namespace sweetspot::fake {

/// The design note's example (a laptop card of 6 GB, a 7B model). Its program counted 43 layers
/// where llama.cpp has 33; here it is a machine with 43.
Parts recorded_curve();

/// Between two rows the straight line; outside the nearest row. `points` must not be empty.
double recorded_at(const std::vector<RecordedPoint>& points, int layers);

/// Which count of the recording a config stands for.
int recorded_layers(const Parts& parts, const Placement& placement);

/// The config that stands for a count of the recording.
Config config_of(const Parts& parts, int layers);

}  // namespace sweetspot::fake
