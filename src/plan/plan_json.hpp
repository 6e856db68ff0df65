// A plan as JSON: schema sweetspot.plan/1, docs/formats/plan-1.schema.json.
#pragma once

#include "core/json.hpp"
#include "plan/plan_record.hpp"

namespace sweetspot::plan {

Json to_json(const PlanRecord& record);

}  // namespace sweetspot::plan
