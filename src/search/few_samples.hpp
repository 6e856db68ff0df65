// What two or three samples of a long prompt say. Pure.
#pragma once

#include "core/trial.hpp"

namespace sweetspot::search {

/// The trial with the intervals of its speeds as a search believes them. An interval from a handful
/// of samples alone is as wide as convention has it, half to double the value from one; but samples
/// of one machine rarely differ by more than a few per cent. So the spread is estimated as if some
/// samples of a usual spread had been seen before (a scaled inverse chi-square prior: Gelman et
/// al. 2013, section 2.6). Intervals only get narrower by it. For decisions of a search; what is
/// reported to people rests on the measured samples alone.
Trial believed(Trial trial);

}  // namespace sweetspot::search
