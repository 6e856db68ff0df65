#include "ground/clock.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(Seconds, CountFromTheFirstMomentToTheSecond) {
  const std::chrono::steady_clock::time_point from{};
  EXPECT_DOUBLE_EQ(seconds_between(from, from + std::chrono::milliseconds(1500)), 1.5);
  EXPECT_DOUBLE_EQ(seconds_between(from + std::chrono::seconds(1), from), -1);
}

TEST(Seconds, SinceAMomentThatIsPast) {
  EXPECT_GE(seconds_since(std::chrono::steady_clock::now() - std::chrono::seconds(2)), 2);
}

}  // namespace
}  // namespace sweetspot
