// What rounds of the same two, each loaded anew, say together of their ratio. Pure.
#pragma once

#include <vector>

#include "core/trial.hpp"

namespace sweetspot::tune {

/// The geometric mean over the rounds' ratios, above 0, of which there is one at least. Its 95 %
/// interval is the one that the rounds' own measurements give (`variance_within` of the mean's
/// logarithm) or, from three rounds on, that of their agreement where it is narrower; never
/// narrower than rounds differ by chance of their loads (`between_loads`: one standard deviation of
/// a round's logarithm).
Estimate over_rounds(const std::vector<double>& ratios, double variance_within,
                     double between_loads);

}  // namespace sweetspot::tune
