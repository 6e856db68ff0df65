// The screen of `sweetspot plan`: whether it fits, the command of what does, what makes it fit, and
// the most layers by context. Shows finished values, computes none.
#pragma once

#include <string>
#include <vector>

#include "plan/plan_record.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// `command` starts what fits (Plan::recommended), in words as command_text() takes them; empty
/// where nothing does. Whole lines, safe for a terminal, at most kScreenLines.
std::string plan_screen(const plan::PlanRecord& record, const std::vector<std::string>& command,
                        const Style& style);

}  // namespace sweetspot::report
