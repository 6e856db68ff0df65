// What configs cost, as two time models have it: one of generated tokens and one of the prompt's,
// fitted to everything that was measured. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "search/decisions.hpp"
#include "tune/arms.hpp"
#include "tune/config_shape.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// Milliseconds per token.
struct PassTimes {
  double generation_ms = 0;
  double prompt_ms = 0;
};

/// Tokens of a pass that count; 0 where it does not.
double tokens_of(Pass pass, const Rules& rules);

/// What of a trial counts, in milliseconds: of one request, or of its generation or prompt where
/// that alone is the objective.
double weigh(const PassTimes& times, const Rules& rules);

/// Immutable, thread safe.
class CostModel {
 public:
  /// Fitted to `arms`, asked about `points`. `base`: the context that others are held against.
  CostModel(const PlacementShape& shape, const Rules& rules, const ContextSettings& base,
            const std::vector<Arm>& arms, const std::vector<Config>& points);

  /// Something was measured.
  [[nodiscard]] bool knows_anything() const { return generation_ || prompt_; }

  /// Of a point, in the unit of weigh(), with its 95 % interval.
  [[nodiscard]] Estimate expected(std::size_t point) const;

  /// Possible worlds of points[indexes[k]], [world][k], in the unit of weigh().
  [[nodiscard]] search::Worlds worlds(const std::vector<std::size_t>& indexes) const;

 private:
  struct Part {
    search::TimeModel model;
    std::vector<double> floors_ms;  ///< of each point (least_time.hpp); 0 where refuted
    double tokens = 0;              ///< that count
  };

  std::optional<Part> generation_;
  std::optional<Part> prompt_;
};

}  // namespace sweetspot::tune
