// What every measuring command can be told, and the part of a request that it becomes.
#pragma once

#include <string>

#include "cli/connection.hpp"
#include "cli/knob_options.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "profiler/request.hpp"

namespace sweetspot::cli {

/// As typed; checked by measuring_request().
struct MeasuringOptions {
  std::string model_path;
  KnobTexts knobs;
  ConnectionOptions connection;
  std::string precision = "1%";
  double max_seconds = 20;
  std::string vram_limit;
  std::string full_depth = "auto";
  bool allow_untrained_ctx = false;
  std::string output_path;
  bool details = false;
  bool json = false;
  bool no_store = false;
};

void add_model(CLI::App& app, MeasuringOptions& options);
void add_vram_limit(CLI::App& app, MeasuringOptions& options, const char* group);
/// How long one config is measured.
void add_precision(CLI::App& app, MeasuringOptions& options);

/// And what else is the same for every command that measures configs of its own.
void add_measuring(CLI::App& app, MeasuringOptions& options);
void add_output(CLI::App& app, MeasuringOptions& options);

/// Everything that can be wrong before a worker is started: kind usage, naming the flag.
Result<profiler::Request> measuring_request(const MeasuringOptions& options,
                                            const Workload& workload,
                                            const Environment& environment);

}  // namespace sweetspot::cli
