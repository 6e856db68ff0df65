// The options of `sweetspot plan`, and the job they become.
#pragma once

#include <string>
#include <vector>

#include "cli/connection.hpp"
#include "cli/knob_options.hpp"
#include "core/error.hpp"
#include "profiler/planner.hpp"

namespace sweetspot::cli {

/// As typed; checked by make_plan_job().
struct PlanOptions {
  std::string model_path;
  std::string layers;
  KnobTexts knobs;
  std::vector<std::string> contexts;
  std::vector<std::string> cache_types;
  std::string vram_limit;
  std::string host_memory;
  double vram_percent = 85;
  std::string reserve;
  std::string driver_share;
  bool allow_untrained_ctx = false;
  bool details = false;
  bool flags = false;
  bool json = false;
  ConnectionOptions connection;
};

void add_plan_options(CLI::App& app, PlanOptions& options);

/// Everything that can be wrong before a worker is started: kind usage, naming the flag.
Result<profiler::PlanJob> make_plan_job(const PlanOptions& options, const Environment& environment);

}  // namespace sweetspot::cli
