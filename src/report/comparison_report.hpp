// Two runs held against each other, for a terminal.
#pragma once

#include <string>

#include "compare/comparison.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// What differs first, then who is faster. `a` and `b` are what the runs are called.
std::string comparison_report(const compare::Comparison& comparison, const std::string& a,
                              const std::string& b, const Style& style);

}  // namespace sweetspot::report
