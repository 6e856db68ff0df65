// The history, for the commands that look runs up.
#pragma once

#include "cli/command.hpp"
#include "core/error.hpp"
#include "history/index.hpp"

namespace sweetspot::cli {

/// Error (output): the user has no data folder.
Status need_data_folder(const Environment& environment);

/// Opens it and says what a person should know of what was found. Errors: those of Index::open(),
/// and no data folder.
Result<history::Index> open_history(const Environment& environment);

}  // namespace sweetspot::cli
