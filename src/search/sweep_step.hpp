// What a sweep asks to be measured next.
#pragma once

#include <string>

#include "core/trial.hpp"
#include "search/sweep_view.hpp"

namespace sweetspot::search {

struct SweepStep {
  int layers = 0;
  Extent extent = Extent::generation_only;
  std::string reason;            ///< for people: what is being decided
  double rival_ms = 0;           ///< per token: what takes plainly longer wins nothing; 0 = unknown
  bool for_diminishing = false;  ///< only where returns diminish is still asked
  bool anew = false;             ///< what was measured before was spoiled from outside
  bool loads_anew = false;       ///< even where its weights are loaded
};

/// A look at so many layers: exact only as far as they may win.
SweepStep exploring(const SweepState& sweep, const SweepView& view, int layers, std::string reason);

}  // namespace sweetspot::search
