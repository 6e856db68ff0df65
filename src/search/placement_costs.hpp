// What placements cost in the base context, as two time models have it: one of generated tokens and
// one of the prompt's. Pure.
#pragma once

#include <vector>

#include "core/config.hpp"
#include "core/model_info.hpp"
#include "search/decisions.hpp"
#include "search/placement_shape.hpp"
#include "search/tune_arms.hpp"
#include "search/tune_rules.hpp"

namespace sweetspot::search {

/// Milliseconds per token.
struct PassTimes {
  double generation_ms = 0;
  double prompt_ms = 0;
};

/// What was measured; 0 for what was not.
PassTimes times_of(const Arm& arm);

/// Immutable, thread safe.
class PlacementCosts {
 public:
  /// Learns from arms with context `base` alone.
  PlacementCosts(PlacementShape shape, const TuneRules& rules, ContextSettings base);

  /// What of a trial counts, in milliseconds: of one request, or of its generation or prompt where
  /// that alone is the objective.
  [[nodiscard]] double weigh(const PassTimes& times) const;

  /// Possible worlds, [world][point], in the unit of weigh(); empty where nothing was measured.
  [[nodiscard]] Worlds worlds(const std::vector<Arm>& arms,
                              const std::vector<Placement>& points) const;

  /// What is most likely of every point; empty where nothing was measured.
  [[nodiscard]] std::vector<PassTimes> expected(const std::vector<Arm>& arms,
                                                const std::vector<Placement>& points) const;

  [[nodiscard]] const PlacementShape& shape() const { return shape_; }

 private:
  [[nodiscard]] double n_gen() const;

  PlacementShape shape_;
  TuneRules rules_;
  ContextSettings base_;
};

}  // namespace sweetspot::search
