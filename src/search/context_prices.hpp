// What contexts cost on placements where they were not tried: worked out from one placement where
// they were, which shares its load, so that what two loads differ by cancels. Pure.
#pragma once

#include <vector>

#include "core/config.hpp"
#include "search/placement_costs.hpp"
#include "search/tune_arms.hpp"
#include "search/tune_rules.hpp"

namespace sweetspot::search {

/// Against the base context on the same placement.
struct ContextPrice {
  ContextSettings context;
  double generation_factor = 1;
  double prompt_factor = 1;
  /// For each block on the device: a cache in host memory costs crossings and attention there.
  double generation_ms_per_block = 0;
  double prompt_ms_per_block = 0;

  [[nodiscard]] PassTimes at(const PassTimes& base, int blocks_on_device) const;
};

/// The contexts that take other memory than `walked` and `walked` itself, priced: smaller pieces of
/// the prompt, a cache in host memory, flash attention as in `base`, and all of these together.
/// `walked`: where the walk over the knobs ended. Empty where the base context was not measured on
/// that placement.
///
/// Every piece of a prompt reads all weights once, so a prompt's time is a line in the number of
/// pieces; pieces smaller than those tried, down to kLeastPieces, lie on it.
std::vector<ContextPrice> prices_of(const std::vector<Arm>& arms, const Config& walked,
                                    const ContextSettings& base, const TuneRules& rules,
                                    int blocks_on_device);

}  // namespace sweetspot::search
