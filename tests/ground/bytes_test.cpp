#include "ground/bytes.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(Bytes, DifferencesEndAtZero) {
  EXPECT_EQ(minus(3, 2), 1U);
  EXPECT_EQ(minus(2, 2), 0U);
  EXPECT_EQ(minus(2, 3), 0U);
  EXPECT_EQ(minus(0, kMostBytes), 0U);
}

TEST(Bytes, SumsAndProductsEndAtTheMost) {
  EXPECT_EQ(plus(kMostBytes - 1, 1), kMostBytes);
  EXPECT_EQ(plus(kMostBytes, 1), kMostBytes);
  EXPECT_EQ(plus(2, 3), 5U);
  EXPECT_EQ(times(kGiB, kGiB), kGiB << 30U);
  EXPECT_EQ(times(kMostBytes / 2, 3), kMostBytes);
  EXPECT_EQ(times(kMostBytes, 0), 0U);
  EXPECT_EQ(times(0, kMostBytes), 0U);
}

TEST(Bytes, UnitsAreBinary) {
  EXPECT_EQ(kMiB, 1024 * kKiB);
  EXPECT_EQ(kGiB, 1024 * kMiB);
}

}  // namespace
}  // namespace sweetspot
