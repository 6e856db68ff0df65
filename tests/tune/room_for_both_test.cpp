#include "tune/room_for_both.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"
#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using test::config_of;

Arm arm(int layers, double percent, std::uint64_t host_bytes, std::uint64_t mapped_bytes = 0) {
  Arm one{config_of(layers)};
  if (layers > 0) one.vram_percent = percent;
  one.memory = {{kHostDeviceId, host_bytes, 0, 0, mapped_bytes}, {"GPU0", 2 * kGiB, 0, 0, 0}};
  return one;
}

Rules roomy() {
  Rules rules = test::rules();
  rules.host_free_bytes = 10 * kGiB;
  return rules;
}

TEST(RoomForBoth, TheCpuAloneStandsBesideWhateverFillsTheDevice) {
  EXPECT_TRUE(has_room_for_both(arm(0, 0, 4 * kGiB), arm(9, 84, kGiB), roomy()));
}

TEST(RoomForBoth, TwoOnOneDeviceKeepToItsLimitTogether) {
  EXPECT_TRUE(has_room_for_both(arm(9, 40, kGiB), arm(5, 45, kGiB), roomy()));
  EXPECT_FALSE(has_room_for_both(arm(9, 46, kGiB), arm(5, 40, kGiB), roomy()));
  Rules loose = roomy();
  loose.constraints.max_vram_percent = 100;
  EXPECT_FALSE(has_room_for_both(arm(9, 46, kGiB), arm(5, 40, kGiB), loose)) << "a margin is left";
  Rules tight = roomy();
  tight.constraints.max_vram_percent = 60;
  EXPECT_FALSE(has_room_for_both(arm(9, 40, kGiB), arm(5, 45, kGiB), tight));
  Arm unknown = arm(5, 10, kGiB);
  unknown.vram_percent = Absence{"no driver tells"};
  EXPECT_FALSE(has_room_for_both(arm(9, 10, kGiB), unknown, roomy()));
}

TEST(RoomForBoth, AServerHasOneClientAtATime) {
  Rules rpc = roomy();
  rpc.devices_serve_one = true;
  EXPECT_FALSE(has_room_for_both(arm(9, 10, kGiB), arm(5, 10, kGiB), rpc));
  EXPECT_TRUE(has_room_for_both(arm(9, 10, kGiB), arm(0, 0, kGiB), rpc));
}

TEST(RoomForBoth, TheHostHoldsBothAndMappedPagesOnce) {
  EXPECT_FALSE(has_room_for_both(arm(0, 0, 6 * kGiB), arm(9, 10, 5 * kGiB), roomy()));
  EXPECT_TRUE(
      has_room_for_both(arm(0, 0, 6 * kGiB, 4 * kGiB), arm(9, 10, 5 * kGiB, 4 * kGiB), roomy()));
  Rules shared = roomy();
  shared.devices_use_host_memory = true;
  EXPECT_TRUE(has_room_for_both(arm(0, 0, 3 * kGiB), arm(9, 10, 3 * kGiB), shared));
  EXPECT_FALSE(has_room_for_both(arm(0, 0, 4 * kGiB), arm(9, 10, 3 * kGiB), shared))
      << "what lies on the device is the host's, too";
}

TEST(RoomForBoth, WhatNobodyKnowsHasNone) {
  EXPECT_FALSE(has_room_for_both(arm(0, 0, kGiB), arm(9, 10, kGiB), test::rules()));
  Arm unmeasured = arm(9, 10, kGiB);
  unmeasured.memory.clear();
  EXPECT_FALSE(has_room_for_both(arm(0, 0, kGiB), unmeasured, roomy()));
}

}  // namespace
}  // namespace sweetspot::tune
