// A tune in words and tables. As report/run_report.hpp: finished values, safe for a terminal.
#pragma once

#include <string>

#include "core/run.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// One row per setting in the order they were tried: what it is, how often it was measured, both
/// speeds, memory. "*" marks the winner, "=" the defaults, "+" what takes less memory.
std::string tune_table(const Run& run, const Style& style);

/// The request, the verdict, the speed ratios of winner and defaults, alternatives, why it ended.
std::string tune_text(const Run& run, const Style& style);

}  // namespace sweetspot::report
