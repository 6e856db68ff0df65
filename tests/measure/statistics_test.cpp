#include "measure/statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "measure/coverage.hpp"
#include "measure/noise_models.hpp"

namespace sweetspot::measure {
namespace {

SampleSet set_of(std::vector<double> values) { return SampleSet::make(std::move(values)).value(); }

SampleSet series(testing::Noise noise, std::uint64_t seed, std::size_t count) {
  testing::Series source(noise, seed);
  std::vector<double> values(count);
  std::generate(values.begin(), values.end(), [&] { return source.next(); });
  return set_of(std::move(values));
}

/// At least `fewest` times of 0 to 1000 ms in steps of a thousandth, as a coarse timer gives them.
rc::Gen<std::vector<double>> times(std::size_t fewest) {
  auto time = rc::gen::map(rc::gen::inRange(0, 1'000'000), [](int us) { return us / 1000.0; });
  return rc::gen::suchThat(rc::gen::container<std::vector<double>>(time),
                           [=](const auto& values) { return values.size() >= fewest; });
}

TEST(Median, IsTheMiddleOrBetweenTheTwoMiddleOnes) {
  EXPECT_DOUBLE_EQ(median(set_of({5})), 5);
  EXPECT_DOUBLE_EQ(median(set_of({9, 1, 5})), 5);
  EXPECT_DOUBLE_EQ(median(set_of({9, 1, 5, 6})), 5.5);
}

TEST(MedianAbsoluteDeviation, IgnoresOneWildValue) {
  EXPECT_DOUBLE_EQ(median_absolute_deviation(set_of({1, 2, 3, 4, 1000})), 1);
  EXPECT_DOUBLE_EQ(median_absolute_deviation(set_of({7, 7, 7})), 0);
}

TEST(WarmUpCut, FindsARamp) {
  EXPECT_EQ(warm_up_cut(set_of({17, 12, 10.6, 10, 10.1, 9.9, 10, 10.05, 9.95, 10, 10.1, 9.9})), 3U);
}

TEST(WarmUpCut, FindsARampBeforeATimerThatRepeatsItself) {
  EXPECT_EQ(warm_up_cut(set_of({17, 12, 10.6, 10, 10, 10, 10, 10, 10, 10, 10, 10})), 3U);
}

TEST(WarmUpCut, LeavesASteadySeriesAlone) {
  EXPECT_EQ(warm_up_cut(set_of(std::vector<double>(50, 10.0))), 0U);
  int cut = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    if (warm_up_cut(series(testing::Noise::normal_1, seed, 100)) > 0) ++cut;
  }
  EXPECT_LE(cut, 20);  // noise is called warm-up in at most a tenth of the series
}

TEST(WarmUpCut, DoesNotTakeALaterStallForWarmUp) {
  std::vector<double> values(60);
  testing::Series source(testing::Noise::normal_1, 7);
  std::generate(values.begin(), values.end(), [&] { return source.next(); });
  values[20] *= 3;
  EXPECT_LE(warm_up_cut(set_of(std::move(values))), 3U);
}

TEST(WarmUpCut, HonoursTheLeastUpToAThird) {
  const std::vector<double> steady(30, 10.0);
  EXPECT_EQ(warm_up_cut(set_of(steady), 2), 2U);
  EXPECT_EQ(warm_up_cut(set_of({10, 10}), 2), 0U);
  EXPECT_EQ(warm_up_cut(set_of({10, 10, 10}), 2), 1U);
}

RC_GTEST_PROP(WarmUpCut, LeavesHalfOfTheSeriesAndEnoughForAnInterval, ()) {
  const auto values = *times(1);
  const std::size_t cut = warm_up_cut(set_of(values));
  RC_ASSERT(cut <= values.size() / 2);
  RC_ASSERT(cut == 0 || values.size() - cut >= kFewestForInterval);
}

TEST(AutocorrelationTime, IsAboutOneForIndependentSamples) {
  EXPECT_LT(autocorrelation_time(series(testing::Noise::normal_1, 1, 2000)), 1.2);
}

TEST(AutocorrelationTime, IsNineForAnAutoregressionOfFourFifths) {
  EXPECT_NEAR(autocorrelation_time(series(testing::Noise::correlated, 1, 4000)), 9, 1.5);
}

TEST(AutocorrelationTime, IsOneForEqualSamples) {
  EXPECT_DOUBLE_EQ(autocorrelation_time(set_of({4, 4, 4, 4})), 1);
}

TEST(AutocorrelationTime, OfASteadyRiseIsNearlyTheWholeSeries) {
  std::vector<double> rise(100);
  std::iota(rise.begin(), rise.end(), 1.0);
  EXPECT_GT(autocorrelation_time(set_of(std::move(rise))), 30);
}

TEST(MedianInterval, TakesTheTextbookRanks) {
  // 25 samples: ranks 13 -+ 4.9, so a little beyond the 8th and the 18th value.
  std::vector<double> values;
  for (int i = 0; i < 25; ++i) values.push_back(i % 2 == 0 ? 1 + i / 2 : 25 - i / 2);
  const Estimate estimate = median_interval(set_of(values));
  EXPECT_DOUBLE_EQ(estimate.value, 13);
  EXPECT_NEAR(estimate.low, 8.1, 0.01);
  EXPECT_NEAR(estimate.high, 17.9, 0.01);
}

TEST(MedianInterval, HoldsTheTruthAboutAsOftenAsItSays) {
  for (const int count : {3, 4, 5, 6, 8, 12, 30, 100}) {
    const double holds = testing::interval_coverage(count, 1000).holds;
    EXPECT_GE(holds, 0.925) << count << " samples";
    EXPECT_LE(holds, 0.998) << count << " samples";
  }
}

TEST(MedianInterval, IsWideForVeryFewSamples) {
  const Estimate one = median_interval(set_of({10}));
  EXPECT_DOUBLE_EQ(one.low, 5);
  EXPECT_DOUBLE_EQ(one.high, 20);
  EXPECT_GT(relative_half_width(median_interval(set_of({10, 10.2}))), 0.05);
  EXPECT_GT(median_interval(set_of({10, 30})).low, 0);
}

TEST(MedianInterval, WidensWithCorrelation) {
  const Estimate independent =
      median_interval(set_of({1, 8, 3, 6, 5, 4, 7, 2, 1, 8, 3, 6, 5, 4, 7, 2,
                              1, 8, 3, 6, 5, 4, 7, 2, 1, 8, 3, 6, 5, 4, 7, 2}));
  const Estimate correlated =
      median_interval(set_of({1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4,
                              5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8}));
  EXPECT_DOUBLE_EQ(independent.value, correlated.value);
  EXPECT_GT(relative_half_width(correlated), relative_half_width(independent));
}

TEST(MedianInterval, StaysFiniteForTheLongestTimes) {
  const Estimate estimate = median_interval(set_of({0, kLongestTime, 0, kLongestTime, 1}));
  EXPECT_TRUE(std::isfinite(estimate.high));
}

RC_GTEST_PROP(MedianInterval, IsOrderedFiniteAndHoldsTheMedian, ()) {
  const auto values = *times(1);
  const SampleSet samples = set_of(values);
  const Estimate estimate = median_interval(samples);
  RC_ASSERT(std::isfinite(estimate.low) && std::isfinite(estimate.high));
  RC_ASSERT(estimate.low >= 0);
  RC_ASSERT(estimate.low <= estimate.value && estimate.value <= estimate.high);
  RC_ASSERT(estimate.value == median(samples));
}

RC_GTEST_PROP(Median, DoesNotDependOnOrder, ()) {
  auto values = *times(1);
  const double before = median(set_of(values));
  std::reverse(values.begin(), values.end());
  RC_ASSERT(median(set_of(values)) == before);
  RC_ASSERT(median_absolute_deviation(set_of(values)) >= 0);
}

TEST(RelativeHalfWidth, IsInfiniteWhereTheValueIsZero) {
  EXPECT_TRUE(std::isinf(relative_half_width({0, 0, 1})));
  EXPECT_DOUBLE_EQ(relative_half_width({10, 9, 12}), 0.15);
}

TEST(Pearson, IsOneForALineAndMinusOneForAFallingOne) {
  const std::vector<double> x = {1, 2, 3, 4};
  EXPECT_DOUBLE_EQ(pearson(x, std::vector<double>{3, 5, 7, 9}).value(), 1);
  EXPECT_DOUBLE_EQ(pearson(x, std::vector<double>{4, 3, 2, 1}).value(), -1);
}

TEST(Pearson, IsAbsentWithTheReasonWhereItHasNoMeaning) {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = {1, 2, 3};
  EXPECT_EQ(pearson(x, std::vector<double>{1, 2}).reason(), "the series differ in length");
  EXPECT_EQ(pearson(x, std::vector<double>{5, 5, 5}).reason(), "all values are equal");
  EXPECT_EQ(pearson(x, std::vector<double>{0.1, 0.1, 0.1}).reason(), "all values are equal");
  EXPECT_EQ(pearson(x, std::vector<double>{1, not_a_number, 3}).reason(), "a value is not finite");
  EXPECT_EQ(pearson({}, {}).reason(), "needs 3 values, has 0");
}

}  // namespace
}  // namespace sweetspot::measure
