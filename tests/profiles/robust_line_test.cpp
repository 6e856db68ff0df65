#include "profiles/robust_line.hpp"

#include <gtest/gtest.h>

namespace sweetspot::profiles {
namespace {

TEST(RobustLine, FindsALineThroughABadPoint) {
  const auto line = robust_line({{1, 5}, {2, 7}, {3, 9}, {4, 11}, {5, 500}});
  ASSERT_TRUE(line);
  EXPECT_DOUBLE_EQ(line->slope, 2);
  EXPECT_DOUBLE_EQ(line->intercept, 3);
}

TEST(RobustLine, NeedsTwoDifferentX) {
  EXPECT_FALSE(robust_line({}));
  EXPECT_FALSE(robust_line({{1, 5}}));
  EXPECT_FALSE(robust_line({{1, 5}, {1, 6}}));
}

TEST(RobustLine, CopesWithRepeatedX) {
  const auto line = robust_line({{1, 4}, {1, 4}, {2, 8}});
  ASSERT_TRUE(line);
  EXPECT_DOUBLE_EQ(line->slope, 4);
}

}  // namespace
}  // namespace sweetspot::profiles
