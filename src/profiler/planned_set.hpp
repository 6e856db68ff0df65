// A profile set for a model that nobody has measured: what llama.cpp says it would allocate,
// against the cards that are here (origin `planned`). No speeds.
#pragma once

#include <string>
#include <vector>

#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "plan/plan_record.hpp"
#include "profiler/planner.hpp"

namespace sweetspot::profiler {

/// Of a plan the profiles fast, balanced and performance: in each band the most layers whose need,
/// the driver's share included, is that share of the fullest device; at the wanted context, or the
/// largest shorter one of the plan at which a layer fits. A band that a smaller one's layers fill
/// already stays empty. cpu_fallback is always there. `experts`: a plan of the same model with all
/// experts on the CPU, or nullptr; with all layers it becomes "experts-on-cpu". What others take of
/// a device is not counted: the set outlives the moment, choosing counts it. Pure.
ProfileSet planned_set(const plan::PlanRecord& record, const plan::PlanRecord* experts,
                       const ModelKey& model, const Machine& machine,
                       const std::vector<std::string>& rpc);

/// Whether not all layers fit at the wanted context although experts could make room.
bool wants_experts_on_cpu(const plan::PlanRecord& record);

/// Plans (a worker is started) and makes the set. Errors as those of make_plan().
Result<ProfileSet> make_planned_set(PlanJob job, const ModelKey& model);

}  // namespace sweetspot::profiler
