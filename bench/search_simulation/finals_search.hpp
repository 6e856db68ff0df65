// The finals of a tune alone, of two configs whose true ratio is known, on pretended machines that
// drift and have neighbours: how often a difference is called, and what that takes.
#pragma once

#include <cstdint>
#include <string>

namespace sweetspot::simulation {

struct FinalsOutcome {
  bool is_asked = false;    ///< a machine of that ratio could be drawn
  bool took_place = false;  ///< the trials before them did not let the baseline win already
  bool called = false;      ///< the winner is said to be faster
  double seconds = 0;       ///< virtual, from the first step of the finals to the last
  int loads = 0;
  double speed_up = 1;  ///< as measured
  std::string rounds;   ///< of each what it says, and from how many turns
};

/// `ratio`: true time of the baseline / true time of the winner. `with_turns` false: there is
/// never room for both, as it was before they could take turns.
FinalsOutcome finals_search(std::uint64_t seed, double ratio, bool with_turns);

}  // namespace sweetspot::simulation
