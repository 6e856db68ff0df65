#include "launch/wanted.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"
#include "launch/rungs.hpp"
#include "profiles/sets.hpp"

namespace sweetspot::launch {
namespace {

using profiles::testing::live_card;
using profiles::testing::one_card;

// 0 performance (6 GiB), 1 balanced (4), 2 fast (2), 3 cpu_fallback.
std::optional<std::size_t> wanted(std::size_t running, std::uint64_t free_bytes) {
  const ProfileSet set = one_card();
  profiles::Requirements all;
  all.max_vram_percent = 100;
  return wanted_rung(set, set.profiles, running, live_card(free_bytes), all);
}

TEST(WantedRung, WhatRunsCountsAsFree) {
  EXPECT_EQ(wanted(0, kGiB), 0U) << "6 are its own";
  EXPECT_EQ(wanted(1, 100 * kMiB), 1U);
}

TEST(WantedRung, WithoutItsMarginASmallerOneIsWanted) {
  EXPECT_EQ(wanted(0, 0), 1U);
  EXPECT_EQ(wanted(2, 0), 3U);
}

TEST(WantedRung, WithMemoryBackALargerOneIsWanted) {
  EXPECT_EQ(wanted(2, 3 * kGiB), 1U);
  EXPECT_EQ(wanted(3, 7 * kGiB), 0U);
}

TEST(WantedRung, WhereNobodyTellsItIsNothing) {
  const ProfileSet set = one_card();
  LiveMachine live = live_card(kGiB);
  live.devices[0].memory_free_bytes = Absence{"asleep"};
  EXPECT_FALSE(wanted_rung(set, set.profiles, 0, live, {}));
  live.devices.clear();
  EXPECT_FALSE(wanted_rung(set, set.profiles, 0, live, {}));
}

TEST(WantedRung, ACardIsFoundByItsAddressWhereNobodyNamesIt) {
  const ProfileSet set = one_card();
  LiveMachine live = live_card(kGiB);
  live.devices[0].id.clear();
  profiles::Requirements all;
  all.max_vram_percent = 100;
  EXPECT_EQ(wanted_rung(set, set.profiles, 0, live, all), 0U);
}

TEST(RungsOf, TheChosenOneAndThoseBelow) {
  const ProfileSet set = one_card();
  profiles::Requirements all;
  all.max_vram_percent = 100;
  const profiles::Choice choice = profiles::choose(set, live_card(5 * kGiB), all);
  const Rungs plain = rungs_of(set, choice, false);
  ASSERT_EQ(plain.profiles.size(), 3U);
  EXPECT_EQ(plain.first, 0U);
  EXPECT_EQ(plain.profiles[0].name, "balanced");
  EXPECT_TRUE(plain.profiles.back().is_cpu_only());

  const Rungs adapting = rungs_of(set, choice, true);
  ASSERT_EQ(adapting.profiles.size(), 4U);
  EXPECT_EQ(adapting.first, 1U);
  EXPECT_EQ(adapting.profiles[0].name, "performance");
}

TEST(RungsOf, ASetWithoutTheCpuGetsIt) {
  ProfileSet set = one_card();
  set.profiles.pop_back();
  const profiles::Choice choice = profiles::choose(set, live_card(7 * kGiB), {});
  const Rungs rungs = rungs_of(set, choice, false);
  EXPECT_EQ(rungs.profiles.back().name, "cpu_fallback");
  EXPECT_TRUE(rungs.profiles.back().is_cpu_only());
  EXPECT_TRUE(rungs.profiles.back().needs->empty());
}

}  // namespace
}  // namespace sweetspot::launch
