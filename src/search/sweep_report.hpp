// What a sweep says of its decisions and of every layer count, for people and applications. Pure.
#pragma once

#include "core/sweep_record.hpp"
#include "search/sweep_state.hpp"

namespace sweetspot::search {

/// Without what only its caller knows: slices, and why it ended.
SweepRecord record_of(const SweepState& sweep);

}  // namespace sweetspot::search
