// From raw samples and the summary on them to the Speed a trial keeps.
#pragma once

#include <vector>

#include "core/reading.hpp"
#include "core/trial.hpp"
#include "measure/stopping_rule.hpp"

namespace sweetspot::measure {

/// Tokens per second are 1000 / ms per token, bounds swapped; percentiles are of the samples after
/// the warm-up cut. A lower bound of 0 ms (a timer that did not tick) is replaced by the shortest
/// time above 0. Absent where nothing was measured or the median itself is 0.
/// `samples` are those the rule was fed, in order; ones it refused are kept in `raw` only.
Reading<Speed> make_speed(std::vector<Sample> samples, const Reading<Summary>& summary);

}  // namespace sweetspot::measure
