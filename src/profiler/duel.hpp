// Two engines and one config: both measured now, in turn, so that what drifts is nobody's doing.
#pragma once

#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/trial.hpp"
#include "profiler/events.hpp"
#include "profiler/prepared.hpp"
#include "profiler/profiler.hpp"
#include "profiler/site.hpp"

namespace sweetspot::profiler {

/// One of the two: prepared with the same request, but for the engine.
struct DuelSide {
  const Prepared& prepared;
  Site& site;
};

struct DuelRules {
  int least_rounds = 3;
  int most_rounds = 12;
  double max_seconds = 600;  ///< no round begins after that
  /// An interval that lies within so much of 1 is the same speed.
  double noticeable = 0.03;
};

/// Both loaded once. Ratios are tokens per second of B / of A with their 95 % intervals, of these
/// loads alone; nothing where it is not measured.
struct DuelRound {
  std::optional<Estimate> generation;
  std::optional<Estimate> prompt;
  bool in_turn = false;  ///< both were loaded at once
};

struct DuelOutcome {
  RunOutcome a;
  RunOutcome b;
  std::vector<DuelRound> rounds = {};  ///< none where one of the two could not be measured
};

/// Where there is room for both they are loaded at once and take turns, A being loaded again beside
/// each load of B; else they are loaded one after the other, and begin in turn. Ends when the
/// generation (the prompt, where nothing is generated) is told apart or is the same, and at the
/// rules' ends. What was measured is kept in both requests' files, as runs of mode "compare".
DuelOutcome duel(const DuelSide& a, const DuelSide& b, const Config& config, const DuelRules& rules,
                 const Observer& observer);

/// B / A over all rounds; nothing where no round has it. The loads of a round differ by
/// kBetweenLoads each, whatever the turns on them say.
std::optional<Estimate> ratio_over(const std::vector<DuelRound>& rounds,
                                   std::optional<Estimate> DuelRound::*measure);

}  // namespace sweetspot::profiler
