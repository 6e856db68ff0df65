// The design note's own figures: a machine that is a table of what somebody once measured.
#pragma once

#include <vector>

#include "machine/parts.hpp"

namespace sweetspot::fake {

/// The note's example (a laptop card of 6 GB, a 7B model): layers, GB in use, tokens/s. Its program
/// counted 43 layers where llama.cpp has 33; here it is a machine with 43.
Parts recorded_curve();

/// Between two rows the straight line; outside the nearest row. `points` must not be empty.
double recorded_ms(const std::vector<RecordedPoint>& points, int layers);
double recorded_vram_gb(const std::vector<RecordedPoint>& points, int layers);

}  // namespace sweetspot::fake
