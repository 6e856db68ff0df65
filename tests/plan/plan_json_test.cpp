#include "plan/plan_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/read_golden.hpp"
#include "ground/bytes.hpp"
#include "plan/plan_rows.hpp"
#include "plan/sample_plan.hpp"
#include "schema/compare.hpp"

namespace sweetspot::plan {
namespace {

using fake::record_of;
using fake::two_types;
using fake::with_budget;

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

// The files come from the writer that there was before values described themselves.
TEST(PlanJson, IsWrittenByteForByteAsBefore) {
  EXPECT_EQ(tests::read_golden("plan_short.json"),
            dump(to_json(fake::short_of_memory()), 1) + '\n');
  EXPECT_EQ(tests::read_golden("plan_no_budget.json"),
            dump(to_json(fake::without_budget()), 1) + '\n');
}

TEST(PlanJson, TheSchemaSaysTheSame) {
  EXPECT_THAT(tests::differences<PlanRecord>("plan-1.schema.json"), testing::IsEmpty());
}

}  // namespace
}  // namespace sweetspot::plan
