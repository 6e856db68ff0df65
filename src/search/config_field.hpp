// Which configs a tune may measure next: placements, each with the contexts whose effects were seen
// somewhere. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "core/config.hpp"
#include "search/placement_shape.hpp"
#include "search/tune_arms.hpp"
#include "search/tune_memory.hpp"
#include "search/tune_rules.hpp"

namespace sweetspot::search {

/// What is there to choose from and what is known of it. Nothing of it may end before the call.
struct SearchView {
  const TuneMemory& memory;
  const PlacementShape& shape;
  const Arms& arms;
  const TuneRules& rules;
  Config baseline;        ///< with the base context
  ContextSettings knobs;  ///< of the best so far: threads, n_batch, cache types
};

/// Indexes are those of `points`.
struct Field {
  std::vector<Config> points;
  std::vector<std::size_t> measured;  ///< that may win
  std::vector<std::size_t> open;      ///< that may be tried; no other takes the same memory
};

/// All placements that matter with the knobs as they are, and where another context makes room for
/// more, those that use it: smaller pieces of the prompt, a cache in host memory, flash attention
/// the other way. A context is there once each of its changes was measured on some placement.
Field field_of(const SearchView& view);

}  // namespace sweetspot::search
