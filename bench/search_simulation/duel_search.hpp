// Two engines of a known ratio held against each other by the product's own duel, on pretended
// machines that drift and have neighbours: how often a difference is called, and what that takes.
#pragma once

#include <cstdint>

#include "core/trial.hpp"
#include "profiler/duel.hpp"

namespace sweetspot::simulation {

struct DuelSearch {
  bool took_place = false;  ///< the machine is fast enough for a comparison to be worth anything
  bool slower = false;      ///< B is said to be slower
  bool faster = false;
  int rounds = 0;
  double seconds = 0;    ///< virtual
  Estimate ratio;        ///< as measured
  bool in_turn = false;  ///< both were loaded at once
};

/// `ratio`: true speed of B / of A, in generated tokens per second.
DuelSearch duel_search(std::uint64_t seed, double ratio, const profiler::DuelRules& rules);

}  // namespace sweetspot::simulation
