// What the measuring commands do with a run when it is over.
#pragma once

#include <string>

#include "cli/profile_options.hpp"
#include "core/error.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::cli {

/// Where the run is kept: as asked, or named after model and time.
std::string output_path_of(const ProfileOptions& options);

/// The exit code: what the user must hear first decides it.
Result<int> conclude_run(const profiler::RunOutcome& outcome, const std::string& path);

}  // namespace sweetspot::cli
