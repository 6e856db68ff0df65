// Which layer count to measure next, and when enough is known. Pure.
#pragma once

#include <optional>

#include "search/sweep_state.hpp"
#include "search/sweep_step.hpp"

namespace sweetspot::search {

/// What the order of the questions hangs on, beyond what was measured.
struct SweepTurn {
  std::optional<int> last_told;  ///< its layers: they may still be loaded
  std::optional<int> again;      ///< layers of a trial that lies off the curve
  bool last_was_quiet = false;   ///< nothing disturbed the trial told last
  int asked_diminishing = 0;     ///< trials for that alone
};

/// Nothing when everything is settled or nothing is left to try.
std::optional<SweepStep> next_count(const SweepState& sweep, const SweepTurn& turn);

}  // namespace sweetspot::search
