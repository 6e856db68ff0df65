// What `profile` and `tune` print on the way from a request to what is kept of it.
#pragma once

#include <functional>

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
  std::function<void(const Run&)> print;  ///< the results as text; not called with --json
};

/// Measures, prints and keeps. Errors as those of app::measure().
Result<int> run_measuring(profiler::Request request, const MeasuringOptions& options,
                          const Environment& environment, const MeasuringCommand& command);

}  // namespace sweetspot::cli
