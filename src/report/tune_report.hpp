// A tune in words and tables. As report/run_report.hpp: finished values, safe for a terminal.
#pragma once

#include <string>

#include "core/run.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// One row per trial in the order they were run: what was changed, both speeds, memory. "*" marks
/// the winner, "=" the defaults, "+" the others of the front.
std::string tune_table(const Run& run, const Style& style);

/// The verdict, the rounds of winner against defaults, and why the tune ended.
std::string tune_text(const Run& run, const Style& style);

}  // namespace sweetspot::report
