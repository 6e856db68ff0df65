// The engine that `sweetspot engine use` named, kept in the user's data folder.
#pragma once

#include <string>

#include "core/error.hpp"

namespace sweetspot::servers {

/// What it named, as `--engine` takes it; empty = none. A file that cannot be read names none.
std::string chosen_engine(const std::string& data_folder);

/// An empty text forgets the choice. Errors are of kind output.
Status choose_engine(const std::string& data_folder, const std::string& text);

}  // namespace sweetspot::servers
