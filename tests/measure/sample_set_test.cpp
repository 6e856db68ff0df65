#include "measure/sample_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sweetspot::measure {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(SampleSet, KeepsTheOrderAndSortsBesides) {
  const auto samples = SampleSet::make({3, 1, 2});
  ASSERT_TRUE(samples);
  EXPECT_THAT(samples->values(), ElementsAre(3, 1, 2));
  EXPECT_THAT(samples->sorted(), ElementsAre(1, 2, 3));
}

TEST(SampleSet, RefusesEmpty) { EXPECT_FALSE(SampleSet::make({})); }

TEST(SampleSet, RefusesWhatIsNotATimeAndSaysWhere) {
  for (const double bad : {kNan, kInfinity, -kInfinity, -1.0, 2 * kLongestTime}) {
    const auto samples = SampleSet::make({1, bad, 2});
    ASSERT_FALSE(samples) << bad;
    EXPECT_THAT(samples.error().message, HasSubstr("sample 1 "));
  }
}

TEST(SampleSet, AcceptsZero) { EXPECT_TRUE(SampleSet::make({0})); }

TEST(SampleSet, CutsTheFrontButNeverAll) {
  const auto samples = SampleSet::make({3, 1, 2});
  ASSERT_TRUE(samples);
  EXPECT_THAT(samples->without_first(1).values(), ElementsAre(1, 2));
  EXPECT_THAT(samples->without_first(9).values(), ElementsAre(2));
}

}  // namespace
}  // namespace sweetspot::measure
