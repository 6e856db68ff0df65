#include "plan/plan_json.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"

namespace sweetspot::plan {
namespace {

PlanRecord record_of(PlanRequest request) {
  fake::Oracle oracle{fake::uniform(4), {}, {}};
  PlanRecord record;
  record.model = fake::info_of(oracle.model);
  record.model.n_ctx_train = 4096;
  record.tool_version = "1.2.3";
  record.plan = make_plan(std::move(request), record.model, oracle.source()).value();
  record.notices = {"a notice"};
  return record;
}

PlanRequest two_types() {
  PlanRequest request;
  request.base.context.flash_attn = FlashAttention::off;  // so that the second pair is refused
  request.base.placement.n_gpu_layers = 2;
  request.contexts = {2048, 4096};
  request.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  return request;
}

PlanRequest with_budget(std::uint64_t bytes) {
  PlanRequest request = two_types();
  DeviceBudget budget{"GPU0", 8 * kGiB, 7 * kGiB, bytes, "a reason", {}};
  budget.share = {10, 20, true, "measured"};
  request.budgets = Budgets{{budget}, {Absence{"not read"}}};
  return request;
}

TEST(PlanJson, AConfigForEveryCellInTheGridsOrder) {
  const PlanRecord record = record_of(two_types());
  const Json json = to_json(record);
  EXPECT_EQ(json.at("schema"), "sweetspot.plan/1");
  EXPECT_EQ(json.at("tool").at("version"), "1.2.3");
  const Json& configs = json.at("configs");
  ASSERT_EQ(configs.size(), 2U * 2U * 6U);
  EXPECT_EQ(configs[0].at("layers"), 0);
  EXPECT_EQ(configs[5].at("layers"), 5);
  EXPECT_EQ(configs[6].at("n_ctx"), 4096);
  EXPECT_EQ(configs[12].at("type_k"), "q8_0");
  EXPECT_EQ(configs[12].at("type_v"), "q8_0");
  EXPECT_FALSE(configs[0].contains("n_gpu_layers")) << "one name for one thing";
}

TEST(PlanJson, MemoryIsToldByDeviceAndTheHostApart) {
  const PlanRecord record = record_of(two_types());
  const Json config = to_json(record).at("configs").at(5);
  const PlannedMemory& cell = record.plan.cell(0, 0, 5);
  ASSERT_EQ(config.at("devices").size(), 1U);
  EXPECT_EQ(config.at("devices")[0].at("id"), "GPU0");
  EXPECT_EQ(config.at("devices")[0].at("model_bytes"),
            find_device(cell.memory, "GPU0")->model_bytes);
  EXPECT_EQ(config.at("host_bytes"), find_device(cell.memory, kHostDeviceId)->total_bytes());
  EXPECT_EQ(config.at("host_mapped_bytes"), find_device(cell.memory, kHostDeviceId)->mapped_bytes);
}

TEST(PlanJson, ARefusedConfigHasItsReasonAndNoMemory) {
  const Json config = to_json(record_of(two_types())).at("configs").at(12);
  EXPECT_EQ(config.at("problem"), "V cache quantization requires flash attention");
  EXPECT_TRUE(config.at("devices").empty());
  EXPECT_EQ(config.at("host_bytes"), 0);
}

TEST(PlanJson, WithoutBudgetsNobodyKnowsWhatFits) {
  const Json json = to_json(record_of(two_types()));
  EXPECT_TRUE(json.at("budgets").is_null());
  for (const char* name : {"fits", "missing_bytes", "host_missing_bytes"}) {
    EXPECT_TRUE(json.at("wanted").at(name).is_null()) << name;
    EXPECT_TRUE(json.at("configs")[0].at(name).is_null()) << name;
  }
  EXPECT_TRUE(json.at("recommended").is_null());
  EXPECT_TRUE(json.at("answers").at("largest_layers").empty());
}

TEST(PlanJson, BudgetsWhatFitsAndWhatHelps) {
  const PlanRecord record = record_of(with_budget(200 * kMiB));
  const Json json = to_json(record);
  const Json& budget = json.at("budgets").at("devices").at(0);
  EXPECT_EQ(budget.at("budget_bytes"), 200 * kMiB);
  EXPECT_EQ(budget.at("driver_share").at("measured"), true);
  EXPECT_TRUE(json.at("budgets").at("host_available_bytes").is_null());
  EXPECT_EQ(json.at("budgets").at("absent").at("host_available_bytes"), "not read");
  EXPECT_EQ(json.at("wanted").at("fits"), false);
  EXPECT_EQ(json.at("wanted").at("missing_bytes"), record.plan.fit->missing_bytes);
  ASSERT_FALSE(json.at("changes").empty());
  EXPECT_EQ(json.at("changes")[0].at("kind"), to_string(record.plan.changes[0].kind));
}

TEST(PlanJson, LargestLayersNameTheirColumn) {
  const Json json = to_json(record_of(with_budget(100 * kGiB)));
  const Json& largest = json.at("answers").at("largest_layers");
  ASSERT_EQ(largest.size(), 4U);
  EXPECT_EQ(largest[1].at("n_ctx"), 4096);
  EXPECT_EQ(largest[1].at("type_k"), "f16");
  EXPECT_EQ(largest[1].at("layers"), 5);
  EXPECT_EQ(largest[2].at("type_k"), "q8_0");
  EXPECT_TRUE(largest[2].at("layers").is_null()) << "refused";
  EXPECT_EQ(json.at("recommended").at("n_gpu_layers"), 2);
}

}  // namespace
}  // namespace sweetspot::plan
