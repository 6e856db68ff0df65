#include "measure/percentile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace sweetspot::measure {
namespace {

SampleSet one_to(int count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 1.0);
  return SampleSet::make(std::move(values)).value();
}

TEST(Percentile, NeedsAsManySamplesAsLoadGen) {
  EXPECT_EQ(samples_needed(50), 11U);
  EXPECT_EQ(samples_needed(90), 64U);
  EXPECT_EQ(samples_needed(95), 130U);
  EXPECT_EQ(samples_needed(99), 662U);
}

TEST(Percentile, IsAbsentOneSampleBelowTheMinimum) {
  EXPECT_EQ(percentile(one_to(661), 99).reason(), "needs 662 samples, has 661");
  EXPECT_TRUE(percentile(one_to(662), 99));
  EXPECT_FALSE(percentile(one_to(129), 95));
  EXPECT_TRUE(percentile(one_to(130), 95));
  EXPECT_FALSE(percentile(one_to(63), 90));
  EXPECT_TRUE(percentile(one_to(64), 90));
  EXPECT_FALSE(percentile(one_to(1), 50));
}

TEST(Percentile, IsTheWorstSampleWhereThereAreJustEnough) {
  EXPECT_DOUBLE_EQ(percentile(one_to(662), 99).value(), 662);
  EXPECT_DOUBLE_EQ(percentile(one_to(64), 90).value(), 64);
}

TEST(Percentile, ComesNearTheTruthWithManySamplesAndStaysAboveIt) {
  const double p99 = percentile(one_to(50'000), 99).value() / 50'000;
  EXPECT_GE(p99, 0.99);
  EXPECT_LT(p99, 0.9925);
}

TEST(Percentile, HasNoStepWhereTheBinomialGivesWayToTheNormal) {
  // 866 samples is where the sum for p50 would begin to underflow.
  for (int count = 800; count < 950; ++count) {
    const double now = percentile(one_to(count), 50).value();
    const double next = percentile(one_to(count + 1), 50).value();
    EXPECT_LE(std::abs(next - now), 2) << count;
  }
}

TEST(Percentile, ReachesTheTrueP99In985OfAThousandRuns) {
  std::mt19937_64 random(42);
  int reached = 0;
  for (int run = 0; run < 1000; ++run) {
    std::vector<double> values(900);
    for (double& value : values) value = static_cast<double>(random() >> 11U) * 0x1.0p-53;
    if (percentile(SampleSet::make(std::move(values)).value(), 99).value() >= 0.99) ++reached;
  }
  EXPECT_GE(reached, 985);
}

}  // namespace
}  // namespace sweetspot::measure
