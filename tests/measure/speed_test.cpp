#include "measure/speed.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <vector>

namespace sweetspot::measure {
namespace {

struct Fed {
  std::vector<Sample> samples;
  Reading<Summary> summary;
};

Fed feed(const std::vector<double>& durations, std::uint32_t tokens = 1) {
  StoppingRule rule;
  Fed fed;
  for (const double duration : durations) {
    fed.samples.push_back(Sample{0, duration, tokens});
    rule.add(fed.samples.back());
  }
  fed.summary = rule.summary();
  return fed;
}

TEST(MakeSpeed, TokensPerSecondIsTheReciprocalWithItsBoundsSwapped) {
  const auto fed = feed({20, 21, 19, 20, 22, 18, 20, 21, 19, 20}, 2);
  const Speed speed = make_speed(fed.samples, fed.summary).value();
  EXPECT_DOUBLE_EQ(speed.ms_per_token.value, 10);
  EXPECT_DOUBLE_EQ(speed.tokens_per_second.value, 100);
  EXPECT_DOUBLE_EQ(speed.tokens_per_second.low, 1000 / speed.ms_per_token.high);
  EXPECT_DOUBLE_EQ(speed.tokens_per_second.high, 1000 / speed.ms_per_token.low);
}

TEST(MakeSpeed, KeepsEverySampleAndCountsTheOnesItUsed) {
  const auto fed = feed(std::vector<double>(20, 5.0));
  const Speed speed = make_speed(fed.samples, fed.summary).value();
  EXPECT_EQ(speed.raw.size(), 20U);
  EXPECT_EQ(speed.samples, 18U);
  EXPECT_EQ(speed.warm_up_cut, 2U);
  EXPECT_DOUBLE_EQ(speed.target_half_width, 0.01);
}

TEST(MakeSpeed, GivesPercentilesOnlyWhereTheSamplesAllowThem) {
  const auto fed = feed(std::vector<double>(70, 5.0));  // 68 after the cut
  const Speed speed = make_speed(fed.samples, fed.summary).value();
  EXPECT_DOUBLE_EQ(speed.p50_ms.value(), 5);
  EXPECT_DOUBLE_EQ(speed.p90_ms.value(), 5);
  EXPECT_EQ(speed.p95_ms.reason(), "needs 130 samples, has 68");
  EXPECT_EQ(speed.p99_ms.reason(), "needs 662 samples, has 68");
}

TEST(MakeSpeed, LeavesSamplesThatTheRuleRefusedInRawOnly) {
  auto fed = feed({5, 5, 5});
  fed.samples.push_back(Sample{0, std::nan(""), 1});
  const Speed speed = make_speed(fed.samples, fed.summary).value();
  EXPECT_EQ(speed.raw.size(), 4U);
  EXPECT_DOUBLE_EQ(speed.ms_per_token.value, 5);
}

TEST(MakeSpeed, IsAbsentWithoutSamplesOrWithoutATick) {
  EXPECT_EQ(make_speed({}, StoppingRule().summary()).reason(), "no samples");
  const auto fed = feed({0, 0, 0, 1});
  EXPECT_EQ(make_speed(fed.samples, fed.summary).reason(),
            "the timer read 0 ms for half of the samples or more");
}

RC_GTEST_PROP(MakeSpeed, NeverDividesByZero, ()) {
  const auto ticks =
      *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4)));
  const auto fed = feed(std::vector<double>(ticks.begin(), ticks.end()));
  const auto speed = make_speed(fed.samples, fed.summary);
  if (!speed) return;
  const Estimate& per_second = speed->tokens_per_second;
  RC_ASSERT(std::isfinite(per_second.high));
  RC_ASSERT(per_second.low > 0);
  RC_ASSERT(per_second.low <= per_second.value && per_second.value <= per_second.high);
}

}  // namespace
}  // namespace sweetspot::measure
