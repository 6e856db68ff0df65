// What `profile` and `tune` print on the way from a request to what is kept of it.
#pragma once

#include <functional>
#include <string>

#include "cli/command.hpp"
#include "cli/measuring_options.hpp"
#include "core/error.hpp"
#include "core/run.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::cli {

/// What differs between the commands.
struct MeasuringCommand {
  std::function<Result<profiler::RunOutcome>(profiler::Profiler&, const profiler::Observer&)>
      measure;
  std::function<std::string(const Run&)> text;       ///< of the results; not asked for with --json
  std::function<std::string(const Run&)> json = {};  ///< with --json; empty = the run itself
  bool keeps_profiles = true;
};

/// Lines that follow a command's text: an empty one, the next steps, where the results lie.
inline constexpr int kLinesBelow = 4;

/// Measures, prints and keeps. Errors as those of app::measure().
Result<int> run_measuring(profiler::Request request, const MeasuringOptions& options,
                          const Environment& environment, const MeasuringCommand& command);

}  // namespace sweetspot::cli
