// Two engines held against each other on one model, measured now.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "app/checking.hpp"
#include "app/workplace.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "core/trial.hpp"
#include "profiler/duel.hpp"
#include "profiler/events.hpp"

namespace sweetspot::app {

struct EnginesJob {
  CheckJob what;                       ///< the model, and which profile of it
  std::array<std::string, 2> engines;  ///< A and B, as --engine takes them
  double precision = 0.01;             ///< of the trials before the turns
  double max_seconds = 20;             ///< of one trial
  profiler::DuelRules rules = {};
  bool keep = true;  ///< both runs, in the data folder
};

/// What came of it. `a` and `b` are sets of the one profile, as each engine's last whole trial
/// found it.
struct EnginesCompared {
  std::string profile;
  ProfileSet a;
  ProfileSet b;
  profiler::DuelOutcome duel;
  std::vector<std::string> paths = {};  ///< of the runs that are kept, A's first
  std::vector<std::string> notes = {};  ///< sentences without full stops
};

/// The last trial of one engine's run that measured everything: the one its set is made of. A run
/// that was compared has one.
const Trial& last_whole(const Run& run);

/// Measures the profile that choose() gives now; where nothing is measured of the model, the one
/// that is planned now for A. Errors: those of plan_check() or choose(), of Profiler::open() and
/// check_can_be_told() for either engine; nothing_measurable: one of the two could not be measured;
/// interrupted.
Result<EnginesCompared> compare_engines(const EnginesJob& job, const profiler::Observer& observer,
                                        const Workplace& workplace);

}  // namespace sweetspot::app
