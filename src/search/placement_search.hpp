// Which placement to measure next, all with the base context: the one that may win most, until none
// is likely to win by more than the tolerance. Pure.
#pragma once

#include <optional>
#include <vector>

#include "core/config.hpp"
#include "search/placement_costs.hpp"
#include "search/tune_arms.hpp"
#include "search/tune_memory.hpp"
#include "search/tune_rules.hpp"

namespace sweetspot::search {

/// What is there to choose from and what is known of it. Nothing of it may end before the call.
struct PlacementView {
  const TuneMemory& memory;
  const PlacementCosts& costs;
  const Arms& arms;
  const TuneRules& rules;
  Config baseline;  ///< with the base context
};

/// The next placement, or nothing when enough is known.
std::optional<TuneStep> next_placement(const PlacementView& view);

/// Whether an arm took far longer than the arms before it let expect: `trial` has not been told
/// yet. False where fewer than two placements are known.
bool is_off_the_curve(const PlacementView& view, const Trial& trial);

}  // namespace sweetspot::search
