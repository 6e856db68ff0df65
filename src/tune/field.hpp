// Which configs a tune may measure next: placements, each with the contexts whose effects were seen
// somewhere. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "core/config.hpp"
#include "tune/arms.hpp"
#include "tune/cliffs.hpp"
#include "tune/memory.hpp"
#include "tune/placement_shape.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// What is there to choose from and what is known of it. Nothing of it may end before the call.
struct View {
  const Memory& memory;
  const PlacementShape& shape;
  const Arms& arms;
  const Rules& rules;
  Config baseline;        ///< with the base context
  ContextSettings knobs;  ///< of the best so far: threads, n_batch, cache types
  Cliffs cliffs;          ///< of the arms
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
Field field_of(const View& view);

}  // namespace sweetspot::tune
