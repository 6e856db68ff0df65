#include "launch/limits.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sweetspot::launch {
namespace {

TEST(Limits, WithoutALimitEveryRungHasItsTime) {
  const Limits limits;
  const Share share = next_share(limits, 3, 100, 2);
  EXPECT_DOUBLE_EQ(share.load_seconds, limits.load_seconds);
  EXPECT_DOUBLE_EQ(share.probe_seconds, limits.probe_seconds);
}

TEST(Limits, ALargeFileMayTakeLonger) {
  EXPECT_DOUBLE_EQ(load_seconds_for(0), 60);
  EXPECT_DOUBLE_EQ(load_seconds_for(20'000'000'000), 1060);
}

TEST(Limits, AShortTotalIsSharedSoThatTheCpuHasSomeLeft) {
  Limits limits;
  limits.total_seconds = 30;
  const Share first = next_share(limits, 3, 0, 3);
  EXPECT_DOUBLE_EQ(first.load_seconds + first.probe_seconds, 10);
  const Share last = next_share(limits, 3, 20, 1);
  EXPECT_DOUBLE_EQ(last.load_seconds + last.probe_seconds, 10);
  EXPECT_LE(next_share(limits, 3, 30, 1).load_seconds, 0);
}

// However the rungs end, hanging as long as they may, the whole stays within its bound.
RC_GTEST_PROP(Limits, TheWholeIsBounded, ()) {
  Limits limits;
  limits.total_seconds = static_cast<double>(*rc::gen::inRange(1, 2000));
  const auto rungs = static_cast<std::size_t>(*rc::gen::inRange(1, 9));
  double elapsed = 0;
  for (std::size_t rung = 0; rung < rungs; ++rung) {
    const Share share = next_share(limits, rungs, elapsed, rungs - rung);
    RC_ASSERT(share.load_seconds > 0);
    elapsed += share.load_seconds + share.probe_seconds;
  }
  RC_ASSERT(elapsed <= limits.total_seconds + 1e-6);
}

}  // namespace
}  // namespace sweetspot::launch
