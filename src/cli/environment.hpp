// The only place that looks at the terminal and at environment variables of the user interface.
#pragma once

#include "cli/command.hpp"
#include "report/table.hpp"

namespace sweetspot::cli {

/// Reads isatty, NO_COLOR, TERM and the terminal's width once, and makes text ASCII where the
/// locale is not UTF-8. `cancel` stays unset.
Environment read_environment();

/// How text for stdout, or for stderr, may look.
report::Style stdout_style(const Environment& environment);
report::Style stderr_style(const Environment& environment);

}  // namespace sweetspot::cli
