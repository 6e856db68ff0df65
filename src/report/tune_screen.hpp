// The last screen of `sweetspot tune`: what was found, how much faster it is, the command, what was
// changed, what takes less memory. Shows finished values, computes none.
#pragma once

#include <string>
#include <vector>

#include "core/run.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// As profile_screen().
std::string tune_screen(const Run& run, const std::vector<std::string>& command, int lines_below,
                        const Style& style);

}  // namespace sweetspot::report
