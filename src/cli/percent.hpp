// Percentages as typed.
#pragma once

#include <string_view>

#include "core/error.hpp"

namespace sweetspot::cli {

/// "1%" or "1" as 0.01. Errors (usage) name the flag: no number, not above 0, above 50.
Result<double> parse_percent(std::string_view text, std::string_view flag);

}  // namespace sweetspot::cli
