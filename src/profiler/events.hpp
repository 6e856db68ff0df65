// What a run reports while it goes on. Nothing here is needed to read the result.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "core/error.hpp"
#include "core/trial.hpp"

namespace sweetspot::profiler {

struct TrialStarted {
  std::size_t index = 0;  ///< from 0
  std::size_t total = 0;  ///< 0 where nobody knows how many there will be
  int layers = 0;
  std::vector<int> requested_layers = {};
  std::string title = {};   ///< what tells it from the others; empty = its layers
  std::string reason = {};  ///< what it decides; empty where it was asked for
};

struct TrialProgress {
  Phase phase = Phase::load;
  double fraction = -1;  ///< 0..1, negative where unknown
};

struct TrialFinished {
  const Trial* trial = nullptr;  ///< valid during the call
};

/// Work before the first trial.
struct Preparing {
  std::string what;
  double fraction = -1;  ///< 0..1, negative where unknown
};

/// Something the user should know that is not a trial.
struct Notice {
  std::string text;
};

using Event = std::variant<TrialStarted, TrialProgress, TrialFinished, Preparing, Notice>;

/// Called on the thread that runs the trials; must be quick.
using Observer = std::function<void(const Event&)>;

inline void report(const Observer& observer, Phase phase, double fraction) {
  if (observer) observer(TrialProgress{phase, fraction});
}

}  // namespace sweetspot::profiler
