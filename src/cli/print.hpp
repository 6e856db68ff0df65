// Whole texts on stdout.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"

namespace sweetspot::cli {

/// Exit code 0, or an error of kind output that begins with `failure` ("the plan cannot be
/// written"): what goes to a full disk was not given; a reader that has read enough was.
Result<int> print_all(const std::string& text, std::string_view failure);

}  // namespace sweetspot::cli
