#include "measure/trial_limits.hpp"

#include <gtest/gtest.h>

namespace sweetspot::measure {
namespace {

constexpr TrialLimits kLimits{0.01, 20};
constexpr double kRivalMs = 7;

TEST(TrialLimits, PromptAndGenerationShareTheTime) {
  const auto generation = generation_options(kLimits, {512, 128, 0}, Extent::full, 0);
  EXPECT_DOUBLE_EQ(generation.max_seconds + prompt_options(kLimits).max_seconds, 20);
  EXPECT_DOUBLE_EQ(generation.target_half_width, 0.01);
  EXPECT_DOUBLE_EQ(prompt_options(kLimits).target_half_width, 0.01);
}

TEST(TrialLimits, WithoutAPromptGenerationHasAllOfIt) {
  EXPECT_DOUBLE_EQ(generation_options(kLimits, {0, 128, 0}, Extent::full, 0).max_seconds, 20);
}

TEST(TrialLimits, ExploringTakesLessAndKnowsItsRival) {
  const Workload workload{512, 128, 0};
  const auto explored = generation_options(kLimits, workload, Extent::generation_only, kRivalMs);
  EXPECT_DOUBLE_EQ(explored.target_half_width, 0.02);
  EXPECT_DOUBLE_EQ(explored.max_seconds, 5);
  EXPECT_DOUBLE_EQ(explored.rival_ms, kRivalMs);
  for (const Extent extent : {Extent::full, Extent::speeds}) {
    EXPECT_DOUBLE_EQ(generation_options(kLimits, workload, extent, kRivalMs).rival_ms, 0);
  }
}

TEST(TrialLimits, ASlowModelTakesAsLongAsAnIntervalNeeds) {
  for (const Extent extent : {Extent::full, Extent::speeds, Extent::generation_only}) {
    const auto options = generation_options(kLimits, {512, 128, 0}, extent, 0);
    EXPECT_EQ(options.fewest_samples, 8U);
    EXPECT_DOUBLE_EQ(options.extended_seconds, 40) << "twice what a trial takes otherwise";
  }
}

TEST(TrialLimits, ExploringIsNeverMoreExactThanAskedFor) {
  const auto coarse = generation_options({0.05, 20}, {512, 128, 0}, Extent::generation_only, 0);
  EXPECT_DOUBLE_EQ(coarse.target_half_width, 0.05);
}

TEST(TrialLimits, PreciseIsWithinThePrecision) {
  Speed speed;
  speed.ms_per_token = {100, 99.1, 100.9};
  EXPECT_TRUE(is_precise(speed, kLimits));
  speed.ms_per_token = {100, 98.5, 101.5};
  EXPECT_FALSE(is_precise(speed, kLimits));
}

}  // namespace
}  // namespace sweetspot::measure
