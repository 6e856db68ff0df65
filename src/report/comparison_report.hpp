// Two runs held against each other, for a terminal.
#pragma once

#include <string>
#include <vector>

#include "compare/comparison.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// What differs first, then who is faster. `a` and `b` are what the runs are called.
std::string comparison_report(const compare::Comparison& comparison, const std::string& a,
                              const std::string& b, const Style& style);

/// "12.1 % slower", "cannot be told apart at 4 %".
std::string verdict(const compare::SpeedPair& pair);

/// A row for each pair, `a` and `b` being what the columns are called. Empty without pairs.
std::string speeds_table(const std::vector<compare::SpeedPair>& pairs, const std::string& a,
                         const std::string& b, const Style& style);

/// What differs, or that nothing does.
std::string differences_table(const compare::Comparison& comparison, const std::string& a,
                              const std::string& b, const Style& style);

}  // namespace sweetspot::report
