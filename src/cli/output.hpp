// What a command writes to the file that -o names.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.hpp"
#include "core/error.hpp"

namespace sweetspot::cli {

/// Whether stdout is meant: no file, or "-" as elsewhere.
bool is_stdout(const std::string& path);

/// The whole answer of a command, to `path` or to stdout; its exit code. Errors as those of
/// store::write_atomically().
Result<int> print_or_write(const Environment& environment, const std::string& path,
                           std::string_view text);

/// For what is written piece by piece and again, as results are: error (usage) where "-" is given.
Status check_results_path(const std::string& path);

}  // namespace sweetspot::cli
