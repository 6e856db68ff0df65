// One config to measure, and how much of the workload.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/trial.hpp"
#include "profiler/forecast.hpp"

namespace sweetspot::profiler {

struct TrialAsk {
  Config config;
  int layers = 0;                          ///< effective
  std::vector<int> requested_layers = {};  ///< every request that means it
  Extent extent = Extent::full;
  double rival_ms = 0;      ///< per token: what is plainly slower need not be exact
  std::string reason = {};  ///< why it is run; empty where it was asked for
  std::string title = {};   ///< what tells it from the others; empty = its layers
  std::optional<Failure> not_tried = std::nullopt;  ///< record this instead of measuring
  /// A config that is known not to fit is not loaded, unless the request says to try anyway.
  /// nullptr where nobody can tell; must outlive the trial.
  const Forecast* forecast = nullptr;
  std::size_t total = 0;    ///< how many trials there will be; 0 where nobody knows
  bool completes = false;   ///< of a config measured in part just before, what is missing is enough
  bool loads_anew = false;  ///< even where its weights are loaded
};

}  // namespace sweetspot::profiler
