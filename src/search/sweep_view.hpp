// What follows from all that a sweep was told: the time model, and how each decision stands. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "search/decisions.hpp"
#include "search/sweep_state.hpp"
#include "search/time_model.hpp"

namespace sweetspot::search {

struct SweepView {
  std::optional<TimeModel> model;  ///< of all candidates, by index
  std::size_t observations = 0;
  std::vector<Contest> contests;
  std::vector<Odds> odds;                    ///< of the contests
  std::pair<int, int> diminishing = {0, 0};  ///< where returns diminish, 95 % range
  bool diminishing_known = true;
};

/// Nothing in it where nothing was measured.
SweepView look(const SweepState& sweep);

/// What so many layers may take at most before they lie off the curve of all others; nothing where
/// these cannot tell.
std::optional<double> curve_limit_ms(const SweepState& sweep, int layers);

}  // namespace sweetspot::search
