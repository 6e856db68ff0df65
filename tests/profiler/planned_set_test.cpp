#include "profiler/planned_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::profiler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_of(const ProfileSet& set) {
  std::vector<std::string> names;
  for (const SavedProfile& profile : set.profiles) names.push_back(profile.name);
  return names;
}

// 10 blocks and the output: each layer takes `layer_mib` on the device, each 1024 tokens of context
// a further MiB a layer; nothing without a layer.
PlannedMemory cell_of(int layers, std::uint32_t n_ctx, std::uint64_t layer_mib) {
  const auto count = static_cast<std::uint64_t>(layers);
  PlannedMemory planned;
  planned.n_ctx = n_ctx;
  planned.memory.push_back({"CPU", 0, 0, 7 * kMiB});
  if (layers > 0) {
    planned.memory.push_back(
        {"CUDA0", count * layer_mib * kMiB, count * (n_ctx / 1024) * kMiB, 10 * kMiB});
  }
  return planned;
}

plan::PlanRecord record_of(std::uint64_t card_mib, std::uint64_t layer_mib, int n_expert = 0) {
  plan::PlanRecord record;
  record.tool_version = "0.1.0";
  record.created_at = "2026-11-24T04:00:00Z";
  record.engine.llama_version = "0.7.0";
  record.model.n_layer = 10;
  record.model.n_expert = n_expert;
  record.model.name = std::string("small");
  DeviceReport target;
  target.device.id = "CUDA0";
  target.device.backend = "CUDA";
  record.targets = {target};
  plan::Plan& plan = record.plan;
  plan.offloadable = 11;
  plan.request.base.context.n_ctx = 4096;
  plan::DeviceBudget budget;
  budget.id = "CUDA0";
  budget.total_bytes = card_mib * kMiB;
  budget.share = {50 * kMiB, 90 * kMiB, true, "measured"};
  plan.request.budgets = plan::Budgets{{budget}, {}};
  plan.cpu_alone.memory = {{kHostDeviceId, 20 * kMiB, 5 * kMiB, 2 * kMiB, 4 * kMiB}};
  plan.grid.axes.base = plan.request.base;
  plan.grid.axes.n_ctx = {1024, 4096, 8192};
  plan.grid.axes.cache_types = {{}};
  for (int layers = 0; layers <= 11; ++layers) plan.grid.axes.layers.push_back(layers);
  for (const std::uint32_t n_ctx : plan.grid.axes.n_ctx) {
    for (int layers = 0; layers <= 11; ++layers) {
      plan.grid.cells.push_back(cell_of(layers, n_ctx, layer_mib));
    }
  }
  return record;
}

ProfileSet set_of(const plan::PlanRecord& record, const plan::PlanRecord* experts = nullptr) {
  return planned_set(record, experts, ModelKey{"/m.gguf", 1, "00"}, Machine{}, {});
}

TEST(PlannedSet, EveryBandHasTheMostLayersThatKeepToIt) {
  // A layer takes 96 + 4 MiB, and 100 MiB come on top: 4 layers are half of 1000 MiB, which is not
  // under half.
  const ProfileSet set = set_of(record_of(1000, 96));
  ASSERT_THAT(names_of(set), ElementsAre("performance", "balanced", "fast", "cpu_fallback"));
  EXPECT_EQ(set.origin, Origin::planned);
  EXPECT_EQ(set.profiles[0].config.placement.n_gpu_layers, 7);
  EXPECT_EQ(set.profiles[1].config.placement.n_gpu_layers, 5);
  EXPECT_EQ(set.profiles[2].config.placement.n_gpu_layers, 3);
  EXPECT_EQ(set.profiles[2].config.context.n_ctx, 4096U);
  EXPECT_THAT(*set.profiles[2].needs, ElementsAre(DeviceNeed{"CUDA0", 400 * kMiB}));
  EXPECT_EQ(*set.profiles[2].host_bytes, 7 * kMiB);
  EXPECT_THAT(*set.profiles[3].needs, IsEmpty());
  EXPECT_TRUE(set.profiles[3].is_cpu_only()) << "not 0 layers beside the device";
  EXPECT_EQ(*set.profiles[3].host_bytes, 23 * kMiB) << "of the map without a device";
  EXPECT_THAT(set.profiles[0].evidence, HasSubstr("not measured"));
  EXPECT_THAT(set.profiles[0].evidence, HasSubstr("driver's share of CUDA0 90 MiB"));
  for (const SavedProfile& profile : set.profiles) {
    EXPECT_EQ(profile.origin, Origin::planned);
    EXPECT_FALSE(profile.tokens_per_second);
  }
}

TEST(PlannedSet, AModelThatFitsASmallBandHasNoLargerOne) {
  const ProfileSet set = set_of(record_of(100000, 96));
  EXPECT_THAT(names_of(set), ElementsAre("fast", "cpu_fallback"));
  EXPECT_EQ(set.profiles[0].config.placement.n_gpu_layers, 11);
}

TEST(PlannedSet, TheContextGrowsShorterBeforeTheDeviceIsGivenUp) {
  // One layer: 100 + 94 + 4 MiB at 4096, 195 at 1024; the top band of 230 MiB is 195.5.
  const ProfileSet set = set_of(record_of(230, 94));
  ASSERT_THAT(names_of(set), ElementsAre("performance", "cpu_fallback"));
  EXPECT_EQ(set.profiles[0].config.context.n_ctx, 1024U);
  EXPECT_EQ(set.profiles[1].config.context.n_ctx, 4096U);
}

TEST(PlannedSet, WhereNotOneLayerFitsTheCpuIsLeft) {
  EXPECT_THAT(names_of(set_of(record_of(100, 96))), ElementsAre("cpu_fallback"));
}

TEST(PlannedSet, ARefusedConfigIsNoProfile) {
  plan::PlanRecord record = record_of(100000, 96);
  for (PlannedMemory& cell : record.plan.grid.cells) {
    if (find_device(cell.memory, "CUDA0") == nullptr) continue;
    cell = {};
    cell.problem = "no";
  }
  EXPECT_THAT(names_of(set_of(record)), ElementsAre("cpu_fallback"));
}

TEST(PlannedSet, ExpertsGoToTheCpuWhereAllLayersDoNotFit) {
  const plan::PlanRecord dense = record_of(1000, 96);
  EXPECT_FALSE(wants_experts_on_cpu(dense));
  EXPECT_FALSE(wants_experts_on_cpu(record_of(100000, 96, 8)));
  const plan::PlanRecord record = record_of(1000, 96, 8);
  ASSERT_TRUE(wants_experts_on_cpu(record));
  plan::PlanRecord experts = record_of(1000, 20, 8);
  experts.plan.grid.axes.base.placement.n_cpu_moe = 10;
  const ProfileSet set = set_of(record, &experts);
  ASSERT_EQ(set.profiles.front().name, "experts-on-cpu");
  EXPECT_EQ(set.profiles.front().config.placement.n_cpu_moe, 10);
  EXPECT_EQ(set.profiles.front().config.placement.n_gpu_layers, 11);
  EXPECT_THAT(*set.profiles.front().needs, ElementsAre(DeviceNeed{"CUDA0", 364 * kMiB}));
  const plan::PlanRecord too_large = record_of(1000, 90, 8);
  EXPECT_EQ(names_of(set_of(record, &too_large)).front(), "performance");
}

TEST(PlannedSet, AStandInIsNoDevice) {
  plan::PlanRecord record = record_of(100000, 96);
  record.stand_in = true;
  record.plan.request.budgets.reset();
  const ProfileSet set = set_of(record);
  EXPECT_THAT(names_of(set), ElementsAre("cpu_fallback"));
  EXPECT_THAT(set.devices, IsEmpty());
}

}  // namespace
}  // namespace sweetspot::profiler
