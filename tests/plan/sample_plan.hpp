// Plans made by hand, for the tests of what is written of them.
#pragma once

#include <utility>

#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"
#include "plan/plan_record.hpp"

namespace sweetspot::plan::fake {

inline PlanRecord record_of(PlanRequest request) {
  Oracle oracle{uniform(4), {}, {}};
  PlanRecord record;
  record.model = info_of(oracle.model);
  record.model.n_ctx_train = 4096;
  record.tool_version = "1.2.3";
  record.plan = make_plan(std::move(request), record.model, oracle.source()).value();
  record.notices = {"a notice"};
  return record;
}

inline PlanRequest two_types() {
  PlanRequest request;
  request.base.context.flash_attn = FlashAttention::off;  // so that the second pair is refused
  request.base.placement.n_gpu_layers = 2;
  request.contexts = {2048, 4096};
  request.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  return request;
}

inline PlanRequest with_budget(std::uint64_t bytes) {
  PlanRequest request = two_types();
  DeviceBudget budget{"GPU0", 8 * kGiB, 7 * kGiB, bytes, "a reason", {}};
  budget.share = {10, 20, true, "measured"};
  request.budgets = Budgets{{budget}, {Absence{"not read"}}};
  return request;
}

/// A card that holds less than is wanted, on a host whose memory is known.
inline PlanRecord short_of_memory() {
  PlanRequest request = with_budget(200 * kMiB);
  request.budgets->host = {16 * kGiB, kGiB, "available now"};
  PlanRecord record = record_of(std::move(request));
  record.created_at = "2026-11-23T17:48:02Z";
  record.engine = {"0.7.0", "0.7.0 build 1 (abc)", "0.27", "def", {"CPU"}, "AVX2 = 1"};
  Device device{"GPU0", "a card", "CUDA", DeviceType::gpu, {}, 8 * kGiB, 7 * kGiB};
  device.pci_bus_id = Absence{"not told"};
  record.targets = {{device, Absence{"no driver was asked"}}};
  record.plan.checkpoint_bytes = 5 * kMiB;
  record.asked = 12;
  record.loads = 3;
  record.seconds = 0.5;
  return record;
}

/// No device is here and no size was given.
inline PlanRecord without_budget() {
  PlanRecord record = record_of(two_types());
  record.created_at = "2026-11-23T17:48:02Z";
  record.stand_in = true;
  return record;
}

}  // namespace sweetspot::plan::fake
