#include "plan/budget.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "ground/bytes.hpp"

namespace sweetspot::plan {
namespace {

using ::testing::HasSubstr;
using Bytes = Reading<std::uint64_t>;

DeviceReport from_ggml(Bytes total, Bytes free) {
  DeviceReport report;
  report.device.id = "GPU0";
  report.device.backend = "CUDA";
  report.device.type = DeviceType::gpu;
  report.device.memory_total_bytes = std::move(total);
  report.device.memory_free_bytes = std::move(free);
  report.status = Absence{"not available for this device"};
  return report;
}

DeviceReport from_driver(Bytes total, Bytes free) {
  DeviceReport report = from_ggml(100 * kGiB, 100 * kGiB);
  DeviceStatus status;
  status.memory_total_bytes = std::move(total);
  status.memory_free_bytes = std::move(free);
  report.status = status;
  return report;
}

Result<DeviceBudget> budget(const DeviceReport& report, const BudgetRules& rules = {}) {
  auto budgets = make_budgets({report}, rules, {DriverShare{1, 2, true, "measured"}});
  if (!budgets) return tl::unexpected(budgets.error());
  EXPECT_EQ(budgets->size(), 1U);
  return budgets->front();
}

BudgetRules limited_to(std::uint64_t bytes, double percent = 85) {
  BudgetRules rules;
  rules.limits_bytes = {bytes};
  rules.percent = percent;
  return rules;
}

TEST(Budget, IsAShareOfAllThatIsUsedByAnyone) {
  const auto empty = budget(from_ggml(10 * kGiB, 10 * kGiB));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->id, "GPU0");
  EXPECT_EQ(empty->total_bytes, Bytes(10 * kGiB));
  EXPECT_EQ(empty->free_bytes, Bytes(10 * kGiB));
  EXPECT_EQ(empty->budget_bytes, 17 * kGiB / 2);
  EXPECT_EQ(empty->limited_by, "85 % of 10.00 GiB");
  EXPECT_EQ(empty->share.high_bytes, 2U);
  EXPECT_TRUE(empty->share.measured);

  const auto shared = budget(from_ggml(10 * kGiB, 9 * kGiB));
  ASSERT_TRUE(shared);
  EXPECT_EQ(shared->budget_bytes, 15 * kGiB / 2);
  EXPECT_EQ(shared->limited_by, "85 % of 10.00 GiB less 1.00 GiB in use");
}

TEST(Budget, IsNeverMoreThanIsFree) {
  BudgetRules rules;
  rules.percent = 100;
  const auto all = budget(from_ggml(10 * kGiB, 3 * kGiB), rules);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->budget_bytes, 3 * kGiB);
  rules.percent = 400;
  const auto more = budget(from_ggml(10 * kGiB, 3 * kGiB), rules);
  ASSERT_TRUE(more);
  EXPECT_EQ(more->budget_bytes, 3 * kGiB);
}

TEST(Budget, LeavesTheReserve) {
  BudgetRules rules;
  rules.reserve_bytes = kGiB;
  const auto some = budget(from_ggml(10 * kGiB, 10 * kGiB), rules);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->budget_bytes, 15 * kGiB / 2);
  EXPECT_EQ(some->limited_by, "85 % of 10.00 GiB, 1.00 GiB left free");
  rules.reserve_bytes = 20 * kGiB;
  const auto none = budget(from_ggml(10 * kGiB, 10 * kGiB), rules);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->budget_bytes, 0U);
}

TEST(Budget, ACardThatOthersFillHasNone) {
  const auto full = budget(from_ggml(10 * kGiB, kGiB));
  ASSERT_TRUE(full);
  EXPECT_EQ(full->budget_bytes, 0U);
  EXPECT_EQ(*full->free_bytes, kGiB);
}

TEST(Budget, TheDriverIsBelievedBeforeGgml) {
  const auto driver = budget(from_driver(10 * kGiB, 10 * kGiB));
  ASSERT_TRUE(driver);
  EXPECT_EQ(*driver->total_bytes, 10 * kGiB);
  // Both figures come from one source.
  for (const auto& report : {from_driver(10 * kGiB, Absence{"not supported"}),
                             from_driver(Absence{"unified"}, 5 * kGiB), from_driver(0, 0)}) {
    const auto ggml = budget(report);
    ASSERT_TRUE(ggml);
    EXPECT_EQ(*ggml->total_bytes, 100 * kGiB);
    EXPECT_EQ(*ggml->free_bytes, 100 * kGiB);
  }
}

TEST(Budget, MemoryThatNobodyCanReadIsAnErrorThatNamesTheDevice) {
  const std::vector<std::pair<DeviceReport, std::string>> unreadable = {
      {from_ggml(0, 0), "ggml reports a total of 0 bytes"},
      {from_ggml(10 * kGiB, 11 * kGiB), "ggml reports more free than there is"},
      {from_ggml(Absence{"hidden"}, kGiB), "hidden"},
      {from_ggml(kGiB, Absence{"hidden too"}), "hidden too"},
      {from_driver(10 * kGiB, 11 * kGiB), "the driver reports more free than there is"},
  };
  for (const auto& [report, why] : unreadable) {
    const auto answer = budget(report);
    ASSERT_FALSE(answer) << why;
    EXPECT_EQ(answer.error().kind, ErrorKind::device);
    EXPECT_THAT(answer.error().message, HasSubstr("GPU0"));
    EXPECT_THAT(answer.error().message, HasSubstr(why));
    EXPECT_THAT(answer.error().remedy, HasSubstr("--vram-limit"));
  }
}

TEST(Budget, ALimitStandsInForMemoryThatNobodyCanRead) {
  for (const auto& report :
       {from_ggml(0, 0), from_ggml(Absence{"hidden"}, kGiB), from_ggml(10 * kGiB, 11 * kGiB)}) {
    const auto answer = budget(report, limited_to(4 * kGiB, 50));
    ASSERT_TRUE(answer);
    EXPECT_EQ(*answer->total_bytes, 4 * kGiB);
    EXPECT_EQ(*answer->free_bytes, 4 * kGiB);
    EXPECT_EQ(answer->budget_bytes, 2 * kGiB);
  }
  // A total that was read still bounds it.
  const auto small = budget(from_ggml(2 * kGiB, 3 * kGiB), limited_to(4 * kGiB, 50));
  ASSERT_TRUE(small);
  EXPECT_EQ(*small->total_bytes, 2 * kGiB);
}

TEST(Budget, ALimitPlaysASmallerCardWithTheSameOthersOnIt) {
  const auto quiet = budget(from_ggml(24 * kGiB, 24 * kGiB), limited_to(8 * kGiB, 50));
  ASSERT_TRUE(quiet);
  EXPECT_EQ(*quiet->total_bytes, 8 * kGiB);
  EXPECT_EQ(*quiet->free_bytes, 8 * kGiB);
  EXPECT_EQ(quiet->budget_bytes, 4 * kGiB);

  const auto shared = budget(from_ggml(24 * kGiB, 22 * kGiB), limited_to(8 * kGiB, 50));
  ASSERT_TRUE(shared);
  EXPECT_EQ(*shared->free_bytes, 6 * kGiB);
  EXPECT_EQ(shared->budget_bytes, 2 * kGiB);

  const auto full = budget(from_ggml(24 * kGiB, 4 * kGiB), limited_to(8 * kGiB, 50));
  ASSERT_TRUE(full);
  EXPECT_EQ(*full->free_bytes, 0U);
  EXPECT_EQ(full->budget_bytes, 0U);

  const auto larger = budget(from_ggml(24 * kGiB, 24 * kGiB), limited_to(80 * kGiB, 50));
  ASSERT_TRUE(larger);
  EXPECT_EQ(*larger->total_bytes, 24 * kGiB);
}

TEST(Budget, EveryTargetHasItsShare) {
  const std::vector<DeviceReport> targets = {from_ggml(kGiB, kGiB), from_ggml(kGiB, kGiB)};
  const auto wrong = make_budgets(targets, {}, {DriverShare{}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::internal);
  const auto right = make_budgets(targets, {}, {{1, 2, false, "a"}, {3, 4, false, "b"}});
  ASSERT_TRUE(right);
  EXPECT_EQ(right->at(1).share.source, "b");
  EXPECT_TRUE(make_budgets({}, {}, {}));
}

TEST(Budget, OfACardWithNothingElseOnIt) {
  const DeviceBudget card = card_budget("GPU0", 8 * kGiB, 50, kGiB, {1, 2, false, "default"});
  EXPECT_EQ(card.id, "GPU0");
  EXPECT_EQ(*card.total_bytes, 8 * kGiB);
  EXPECT_EQ(*card.free_bytes, 8 * kGiB);
  EXPECT_EQ(card.budget_bytes, 3 * kGiB);
  EXPECT_EQ(card.share.high_bytes, 2U);
}

RC_GTEST_PROP(BudgetProperty, NothingWrapsWhateverIsReported,
              (std::uint64_t total, std::uint64_t free, std::uint64_t limit, std::uint64_t reserve,
               double percent, bool is_limited)) {
  BudgetRules rules;
  if (is_limited) rules.limits_bytes = {limit};
  rules.percent = percent;
  rules.reserve_bytes = reserve;
  const auto answer = make_budgets({from_driver(total, free)}, rules, {DriverShare{}});
  if (!answer) {
    RC_ASSERT(!is_limited);
    return;
  }
  const DeviceBudget& budget = answer->front();
  RC_ASSERT(*budget.free_bytes <= *budget.total_bytes);
  RC_ASSERT(budget.budget_bytes <= *budget.free_bytes);
  if (is_limited) RC_ASSERT(*budget.total_bytes <= limit);
}

TEST(Budget, PercentThatIsNoneGivesNothing) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const double percent : {std::numeric_limits<double>::quiet_NaN(), -5.0, 0.0}) {
    EXPECT_EQ(card_budget("GPU0", most, percent, 0, {}).budget_bytes, 0U);
  }
  EXPECT_EQ(card_budget("GPU0", most, 100, 0, {}).budget_bytes, most);
  EXPECT_LE(card_budget("GPU0", most, 99.9999999999999999, 0, {}).budget_bytes, most);
}

DriverShare share_of(const std::string& backend, const std::string& description = "a card") {
  Device device;
  device.backend = backend;
  device.description = description;
  return default_driver_share(device);
}

TEST(DriverShare, DefaultsByBackend) {
  for (const char* backend : {"CUDA", "ROCm", "HIP", "MUSA", "SYCL", "RPC"}) {
    EXPECT_EQ(share_of(backend).low_bytes, 150 * kMiB) << backend;
    EXPECT_EQ(share_of(backend).high_bytes, 500 * kMiB) << backend;
  }
  for (const char* backend : {"Vulkan", "Metal", "OpenCL", "", "tomorrow's"}) {
    EXPECT_EQ(share_of(backend).low_bytes, 50 * kMiB) << backend;
    EXPECT_EQ(share_of(backend).high_bytes, 300 * kMiB) << backend;
  }
  EXPECT_FALSE(share_of("CUDA").measured);
  EXPECT_EQ(share_of("CUDA").source, "default, not measured here");
}

TEST(DriverShare, ADriverThatComputesOnTheCpuTakesLittle) {
  for (const char* name : {"llvmpipe (LLVM 15.0.6, 256 bits)", "Lavapipe", "Software Rasterizer"}) {
    EXPECT_EQ(share_of("Vulkan", name).low_bytes, 0U) << name;
    EXPECT_EQ(share_of("Vulkan", name).high_bytes, 64 * kMiB) << name;
  }
}

}  // namespace
}  // namespace sweetspot::plan
