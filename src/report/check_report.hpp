// A stored profile that was measured again, for a terminal.
#pragma once

#include <string>

#include "compare/comparison.hpp"
#include "core/profile_set.hpp"
#include "core/trial.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// Whether the profile still holds, its speeds and memory then and now, what differs around it and
/// what disturbed it. `before` is the stored set, `trial` what was measured now; `command` is how
/// the model is measured anew.
std::string check_report(const compare::Comparison& comparison, const ProfileSet& before,
                         const std::string& profile, const Trial& trial, const std::string& command,
                         const Style& style);

}  // namespace sweetspot::report
