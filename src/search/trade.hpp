// Memory that another context frees, spent on a placement that did not fit before: what the context
// costs was seen on one placement, what the memory buys elsewhere the time model says. Pure.
#pragma once

#include <optional>

#include "core/config.hpp"
#include "search/placement_search.hpp"
#include "search/tune_rules.hpp"

namespace sweetspot::search {

/// The config that promises most over the best that was measured, of all placements with all
/// contexts that take other memory than what was tried; nothing where none promises a load's worth.
/// `walked`: the best on the placement of the walk over the knobs.
std::optional<TuneStep> next_trade(const PlacementView& view, const Config& walked);

/// What was promised of a config that next_trade() named, before it is told; nothing of others.
std::optional<double> promised_cost(const PlacementView& view, const Config& walked,
                                    const Config& config);

}  // namespace sweetspot::search
