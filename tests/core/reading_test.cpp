#include "core/reading.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(Reading, StartsAbsentWithAReasonInsteadOfZero) {
  const Reading<int> reading;
  EXPECT_FALSE(reading.has_value());
  EXPECT_EQ(reading.reason(), "not read");
  EXPECT_EQ(reading.value_or(-7), -7);
}

TEST(Reading, ZeroIsAValue) {
  const Reading<int> reading = 0;
  ASSERT_TRUE(reading.has_value());
  EXPECT_EQ(*reading, 0);
  EXPECT_NE(reading, Reading<int>(Absence{"0"}));
}

}  // namespace
}  // namespace sweetspot
