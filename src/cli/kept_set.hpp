// What the measuring commands do with the profile set of their run.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "core/run.hpp"
#include "engine/worker.hpp"

namespace sweetspot::cli {

/// Makes the set of `run` and keeps it in the data folder (profiles/successor.hpp says instead of
/// which). One sentence for the user: where it lies, or why there is none. A set that cannot be
/// kept is no error: the run has its own file.
/// `start` is how the run's workers were started: llama.cpp is asked once more, for what the
/// profiles take in other programs.
std::string keep_set_of(const Run& run, const std::string& model_path,
                        const engine::StartOptions& start, const Environment& environment);

}  // namespace sweetspot::cli
