#include "plan/fit.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sweetspot::plan {
namespace {

DeviceBudget budget(const std::string& id, std::uint64_t bytes, std::uint64_t share = 10) {
  DeviceBudget budget;
  budget.id = id;
  budget.budget_bytes = bytes;
  budget.share.low_bytes = 1;
  budget.share.high_bytes = share;
  return budget;
}

Budgets budgets(std::vector<DeviceBudget> devices) {
  return {std::move(devices), {Absence{"not read"}}};
}

TEST(FitOf, CountsBuffersAndTheDriversHighShare) {
  const PlannedMemory planned{{{"CPU", 5, 0, 0, 0}, {"GPU0", 60, 20, 10, 0}}, 4096, {}};
  const Fit fits = fit_of(planned, budgets({budget("GPU0", 100)}));
  EXPECT_TRUE(fits.fits);
  EXPECT_EQ(fits.missing_bytes, 0U);
  ASSERT_EQ(fits.devices.size(), 1U);
  EXPECT_EQ(fits.devices[0].id, "GPU0");
  EXPECT_EQ(fits.devices[0].needed_bytes, 100U);
  EXPECT_EQ(fits.devices[0].budget_bytes, 100U);
  EXPECT_EQ(fits.devices[0].missing_bytes, 0U);

  const Fit too_large = fit_of(planned, budgets({budget("GPU0", 99)}));
  EXPECT_FALSE(too_large.fits);
  EXPECT_EQ(too_large.missing_bytes, 1U);
  EXPECT_EQ(too_large.devices[0].missing_bytes, 1U);
}

TEST(FitOf, OneDeviceThatFitsDoesNotHelpTheOther) {
  const PlannedMemory planned{{{"GPU1", 50, 0, 0, 0}, {"GPU0", 50, 0, 0, 0}}, 4096, {}};
  const Fit fit = fit_of(planned, budgets({budget("GPU0", 1000), budget("GPU1", 40)}));
  EXPECT_FALSE(fit.fits);
  EXPECT_EQ(fit.missing_bytes, 20U);
  EXPECT_EQ(fit.devices[0].missing_bytes, 0U);
  EXPECT_EQ(fit.devices[1].missing_bytes, 20U);
}

TEST(FitOf, ADeviceWithNothingOnItNeedsNothing) {
  const MemoryMap map = {{"CPU", 5, 0, 0, 0}, {"GPU0", 0, 0, 0, 0}};
  const Fit fit = fit_of({map, 4096, {}}, budgets({budget("GPU0", 0), budget("GPU1", 0)}));
  EXPECT_TRUE(fit.fits);
  ASSERT_EQ(fit.devices.size(), 2U);
  EXPECT_EQ(fit.devices[0].needed_bytes, 0U);
  EXPECT_EQ(fit.devices[1].needed_bytes, 0U);
}

TEST(FitOf, WhatIsRefusedDoesNotFitAndMissesNothing) {
  const Fit fit = fit_of({{}, 0, "no such cache type"}, budgets({budget("GPU0", 100)}));
  EXPECT_FALSE(fit.fits);
  EXPECT_EQ(fit.missing_bytes, 0U);
  EXPECT_EQ(fit.host_missing_bytes, 0U);
  EXPECT_EQ(fit.devices.size(), 1U);
}

TEST(FitOf, AnEmptyMapIsNoEvidence) {
  EXPECT_FALSE(fit_of({{}, 4096, {}}, budgets({budget("GPU0", 100)})).fits);
}

TEST(FitOf, ADeviceWithoutBudgetMayHoldNothing) {
  const MemoryMap map = {{"CPU", 5, 0, 0, 0}, {"GPU0", 5, 0, 0, 0}, {"GPU1", 3, 4, 5, 0}};
  const Fit fit = fit_of({map, 4096, {}}, budgets({budget("GPU0", 100)}));
  EXPECT_FALSE(fit.fits);
  EXPECT_EQ(fit.missing_bytes, 12U);
  EXPECT_EQ(fit.devices.size(), 1U);
}

TEST(FitOf, HostMemoryCountsWithoutTheMappedFileWhereItIsKnown) {
  const PlannedMemory planned{{{"CPU", 900, 60, 40, 700}}, 4096, {}};
  EXPECT_TRUE(fit_of(planned, {{}, {Absence{"not read"}}}).fits);
  EXPECT_TRUE(fit_of(planned, {{}, {std::uint64_t{300}}}).fits);
  const Fit fit = fit_of(planned, {{}, {std::uint64_t{299}}});
  EXPECT_FALSE(fit.fits);
  EXPECT_EQ(fit.missing_bytes, 0U);
  EXPECT_EQ(fit.host_missing_bytes, 1U);
}

TEST(FitOf, FiguresThatCannotBeDoNotWrapAround) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const PlannedMemory planned{{{"CPU", 1, 0, 0, most}, {"GPU0", most, 0, 0, 0}}, 4096, {}};
  const Fit fit =
      fit_of(planned, {{budget("GPU0", 5, most), budget("GPU1", 5, most)}, {std::uint64_t{0}}});
  EXPECT_FALSE(fit.fits);
  EXPECT_EQ(fit.missing_bytes, most - 5);
  EXPECT_EQ(fit.host_missing_bytes, 0U);
}

TEST(FitOf, MappedWeightsWithoutRoomAreReadAgainButNotMissing) {
  const MemoryMap map = {{"CPU", 50, 3, 2, 50}};
  Budgets host{{}, {std::uint64_t{60}}};
  EXPECT_EQ(fit_of({map, 4096, {}}, host).reread_bytes, 0U);
  host.host.available_bytes = std::uint64_t{20};
  const Fit fit = fit_of({map, 4096, {}}, host);
  EXPECT_TRUE(fit.fits);
  EXPECT_EQ(fit.host_missing_bytes, 0U);
  EXPECT_EQ(fit.reread_bytes, 35U) << "5 of 20 are private";
  host.host.available_bytes = std::uint64_t{4};
  const Fit without = fit_of({map, 4096, {}}, host);
  EXPECT_FALSE(without.fits);
  EXPECT_EQ(without.host_missing_bytes, 1U);
  EXPECT_EQ(without.reread_bytes, 50U) << "never more than is mapped";
  host.host.available_bytes = Absence{"not read"};
  EXPECT_EQ(fit_of({map, 4096, {}}, host).reread_bytes, 0U);
}

}  // namespace
}  // namespace sweetspot::plan
