#include "launch/watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::launch {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

DeviceStatus card(double used_percent) {
  DeviceStatus status;
  status.pci_bus_id = std::string("0000:01:00.0");
  status.name = std::string("Card");
  status.driver = "nvml";
  status.memory_total_bytes = 10 * kGiB;
  status.memory_used_bytes = static_cast<std::uint64_t>(used_percent / 100 * 10 * kGiB);
  return status;
}

TEST(Watcher, AFullDeviceIsSaidOncePerEpisode) {
  Watcher watcher;
  EXPECT_THAT(watcher.look({card(90)}, 0), IsEmpty());
  EXPECT_THAT(watcher.look({card(96)}, 1),
              ElementsAre(HasSubstr("96 % of the memory of Card is in use")));
  EXPECT_THAT(watcher.look({card(99)}, 2), IsEmpty());
  EXPECT_THAT(watcher.look({card(94)}, 3), IsEmpty()) << "not far enough below to be over";
  EXPECT_THAT(watcher.look({card(96)}, 4), IsEmpty());
  EXPECT_THAT(watcher.look({card(80)}, 5), IsEmpty());
  EXPECT_EQ(watcher.look({card(96)}, 6).size(), 1U);
}

TEST(Watcher, WhatIsAbsentIsNotJudged) {
  Watcher watcher;
  DeviceStatus silent;
  silent.driver = "nvml";
  EXPECT_THAT(watcher.look({silent, card(10)}, 0), IsEmpty());
  EXPECT_EQ(watcher.look({card(96)}, 1).size(), 1U);
  EXPECT_THAT(watcher.look({silent}, 2), IsEmpty());
  EXPECT_THAT(watcher.look({card(96)}, 3), IsEmpty()) << "a gap is not an end of the episode";
}

TEST(Watcher, SpillCountsFromWhatWasThereBefore) {
  Watcher watcher;
  DeviceStatus device = card(50);
  const auto with = [&](std::uint64_t spilled) {
    device.spilled_bytes = spilled;
    return device;
  };
  EXPECT_THAT(watcher.look({with(500 * kMiB)}, 0), IsEmpty()) << "somebody else's";
  EXPECT_THAT(watcher.look({with(600 * kMiB)}, 1), IsEmpty());
  EXPECT_THAT(watcher.look({with(700 * kMiB)}, 2), ElementsAre(HasSubstr("200 MiB")));
  EXPECT_THAT(watcher.look({with(900 * kMiB)}, 3), IsEmpty());
  EXPECT_THAT(watcher.look({with(510 * kMiB)}, 4), IsEmpty());
  EXPECT_EQ(watcher.look({with(700 * kMiB)}, 5).size(), 1U);
}

TEST(Watcher, AMomentOfThrottlingIsNothing) {
  Watcher watcher;
  DeviceStatus device = card(50);
  const auto with = [&](std::vector<std::string> reasons) {
    device.throttle_reasons = std::move(reasons);
    return device;
  };
  EXPECT_THAT(watcher.look({with({"thermal"})}, 0), IsEmpty());
  EXPECT_THAT(watcher.look({with({"thermal"})}, 4), IsEmpty());
  EXPECT_THAT(watcher.look({with({})}, 4.5), IsEmpty());
  EXPECT_THAT(watcher.look({with({"thermal"})}, 6), IsEmpty()) << "the count starts again";
  EXPECT_THAT(watcher.look({with({"thermal"})}, 11), ElementsAre(HasSubstr("held down (thermal)")));
  EXPECT_THAT(watcher.look({with({"thermal"})}, 30), IsEmpty());
  EXPECT_THAT(watcher.look({with({})}, 31), IsEmpty());
  EXPECT_THAT(watcher.look({with({"thermal"})}, 40), IsEmpty());
  EXPECT_THAT(watcher.look({with({"thermal"})}, 50), IsEmpty()) << "still the same episode";
  EXPECT_THAT(watcher.look({with({})}, 60), IsEmpty());
  EXPECT_THAT(watcher.look({with({})}, 121), IsEmpty());
  EXPECT_THAT(watcher.look({with({"thermal"})}, 122), IsEmpty());
  EXPECT_EQ(watcher.look({with({"thermal"})}, 128).size(), 1U);
}

}  // namespace
}  // namespace sweetspot::launch
