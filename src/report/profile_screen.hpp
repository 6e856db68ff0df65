// The last screen of `sweetspot profile`: what to use, how fast it is, the command, the profiles,
// and what casts doubt on them. Shows finished values, computes none.
#pragma once

#include <string>
#include <vector>

#include "core/run.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// `command` starts what is recommended, in words as command_text() takes them; empty where nothing
/// is. Whole lines, safe for a terminal, at most kScreenLines less `lines_below`.
std::string profile_screen(const Run& run, const std::vector<std::string>& command, int lines_below,
                           const Style& style);

}  // namespace sweetspot::report
