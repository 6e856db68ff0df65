// A plan in words and tables. Shows finished values, computes none.
#pragma once

#include <string>

#include "plan/plan_record.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// Model, devices and their budgets, notices.
std::string plan_header_text(const plan::PlanRecord& record, const Style& style);

/// One table for each pair of cache types: layers down, contexts across, bytes on the devices in
/// GiB, what fits marked with "*", the largest that fits in the last row.
std::string plan_tables(const plan::PlanRecord& record, const Style& style);

/// What was asked for: what it needs where, whether it fits, and what would make it fit.
std::string plan_answers_text(const plan::PlanRecord& record, const Style& style);

/// What fits on cards of other sizes.
std::string plan_classes_table(const plan::PlanRecord& record, const Style& style);

}  // namespace sweetspot::report
