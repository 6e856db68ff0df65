#include "search/depth_growth.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sweetspot::search {
namespace {

Estimate about(double value, double half) { return {value, value - half, value + half}; }

/// A trial of a machine where 1000 tokens cost `cpu` and `device` ms.
DepthObservation seen(double share, double tokens, double cpu, double device) {
  const double shallow = 40 - 20 * share;
  const double more = ((1 - share) * cpu + share * device) * tokens / 1000;
  return {share, tokens, about(shallow, 0.02), about(shallow + more, 0.02)};
}

TEST(DepthGrowth, TwoPlacementsGiveBothRates) {
  const DepthGrowth growth = fit_depth_growth({seen(0, 4000, 2.0, 0.5), seen(1, 4000, 2.0, 0.5)});
  EXPECT_EQ(growth.observations, 2U);
  EXPECT_NEAR(growth.cpu_ms.value, 2.0, 0.05);
  EXPECT_NEAR(growth.device_ms.value, 0.5, 0.05);
  EXPECT_LT(growth.cpu_ms.sd, 0.2);
}

TEST(DepthGrowth, AMixedPlacementCostsTheSharesOfBoth) {
  const DepthGrowth growth = fit_depth_growth({seen(0, 4000, 2.0, 0.5), seen(1, 4000, 2.0, 0.5)});
  EXPECT_NEAR(growth.added_ms(0.5, 8000).value, (1.0 + 0.25) * 8, 0.4);
}

TEST(DepthGrowth, WhatNothingWasMeasuredOfStaysInDoubt) {
  const DepthGrowth growth = fit_depth_growth({seen(0, 4000, 2.0, 0.5)});
  EXPECT_NEAR(growth.cpu_ms.value, 2.0, 0.1);
  EXPECT_GT(growth.device_ms.sd, 2.0);
  EXPECT_GT(growth.added_ms(1, 4000).sd, 8.0);
}

TEST(DepthGrowth, NothingSeenIsNoObservation) {
  EXPECT_EQ(fit_depth_growth({}).observations, 0U);
  EXPECT_EQ(fit_depth_growth({}).added_ms(0.5, 4000).value, 0);
}

TEST(DepthGrowth, ATokenNeverBecomesQuickerWithALongerCache) {
  DepthObservation odd = seen(0, 4000, 2.0, 0.5);
  std::swap(odd.shallow_ms, odd.deep_ms);
  EXPECT_EQ(fit_depth_growth({odd}).added_ms(0, 4000).value, 0);
}

RC_GTEST_PROP(DepthGrowth, FindsTheRatesOfAnyMachineFromAnyThreePlacements, ()) {
  const double cpu = *rc::gen::inRange(1, 400) / 100.0;
  const double device = *rc::gen::inRange(1, 400) / 100.0;
  const DepthGrowth growth = fit_depth_growth(
      {seen(0, 4000, cpu, device), seen(0.6, 4000, cpu, device), seen(1, 4000, cpu, device)});
  RC_ASSERT(std::abs(growth.cpu_ms.value - cpu) <= 3 * growth.cpu_ms.sd + 0.02);
  RC_ASSERT(std::abs(growth.device_ms.value - device) <= 3 * growth.device_ms.sd + 0.02);
}

}  // namespace
}  // namespace sweetspot::search
