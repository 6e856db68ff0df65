#include "profiles/choose.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/dominated.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace sweetspot::profiles::testing;  // NOLINT(google-build-using-namespace): test data
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string pick(const ProfileSet& set, const LiveMachine& live, const Requirements& wanted = {}) {
  return chosen(set, choose(set, live, wanted));
}

// ---- what is free decides

TEST(Choose, TakesTheFastestThatFits) {
  const ProfileSet set = one_card();
  EXPECT_EQ(pick(set, live_card(7800 * kMiB)), "performance");
  EXPECT_EQ(pick(set, live_card(6 * kGiB)), "balanced");  // 6 GiB and its margin do not fit
  EXPECT_EQ(pick(set, live_card(4 * kGiB)), "fast");
  EXPECT_EQ(pick(set, live_card(1 * kGiB)), "cpu_fallback");
}

TEST(Choose, TellsWhatWasPassedAndWhatItLacks) {
  const ProfileSet set = one_card();
  const Choice choice = choose(set, live_card(4 * kGiB), {});
  EXPECT_THAT(names(set, choice.passed), ElementsAre("performance", "balanced"));
  // With 4 GiB more held by others than free, 85 % of 8 GiB allow 2.8 GiB.
  EXPECT_EQ(choice.passed[1].missing_bytes, 4 * kGiB + 4 * kGiB - 7301444403);
  EXPECT_THAT(choice.passed[1].why_not, HasSubstr("85 %"));
  EXPECT_THAT(choice.reason, HasSubstr("fast: the fastest that fits; needs 2.00 GiB of CUDA0"));
}

TEST(Choose, WhatIsMissingIsEnough) {
  const ProfileSet set = one_card();
  const Choice choice = choose(set, live_card(3 * kGiB), {});
  for (const Rung& rung : choice.passed) {
    ASSERT_GT(rung.missing_bytes, 0U);
    const Choice again = choose(set, live_card(3 * kGiB + rung.missing_bytes), {});
    EXPECT_EQ(again.profile, rung.profile);
    const Choice almost = choose(set, live_card(3 * kGiB + rung.missing_bytes - 1), {});
    EXPECT_NE(almost.profile, rung.profile);
  }
}

TEST(Choose, NoFreedMemoryHelpsWhatIsTooLargeForTheCard) {
  ProfileSet set = one_card();
  set.profiles[0].needs = std::vector<DeviceNeed>{{"CUDA0", 7 * kGiB}};
  const Choice choice = choose(set, live_card(8 * kGiB), {});
  EXPECT_EQ(choice.passed[0].missing_bytes, 0U);
  EXPECT_THAT(choice.passed[0].why_not, HasSubstr("more than 85 % of its 8.00 GiB"));
}

TEST(Choose, StepsBelowShrinkDownToTheCpu) {
  const ProfileSet set = one_card();
  const Choice choice = choose(set, live_card(8 * kGiB), {});
  EXPECT_THAT(names(set, choice.below), ElementsAre("balanced", "fast", "cpu_fallback"));
  EXPECT_THAT(choice.passed, IsEmpty());
}

TEST(Choose, KeepsAReserveFree) {
  Requirements wanted;
  wanted.reserve_bytes = 2 * kGiB;
  EXPECT_EQ(pick(one_card(), live_card(7800 * kMiB), wanted), "balanced");
  wanted.reserve_bytes = ~std::uint64_t{0};
  EXPECT_EQ(pick(one_card(), live_card(7800 * kMiB), wanted), "cpu_fallback");
}

TEST(Choose, MemoryIsPreferredByTheFastBand) {
  Requirements wanted;
  wanted.prefer = Preference::memory;
  EXPECT_EQ(pick(one_card(), live_card(8 * kGiB), wanted), "balanced");  // 4 of 8 GiB
  EXPECT_EQ(pick(one_card(), live_card(7 * kGiB), wanted), "fast");
}

TEST(Choose, ContextIsThatOfOneSequence) {
  ProfileSet set = one_card();
  Requirements wanted;
  wanted.min_ctx = 4096;
  set.profiles[0].config.context.n_parallel = 2;
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "balanced");
  set.profiles[0].config.context.kv_unified = true;
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "performance");
  wanted.min_ctx = 8192;
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "cpu_fallback");
  wanted.min_ctx = 8193;
  const Choice none = choose(set, live_card(8 * kGiB), wanted);
  EXPECT_FALSE(none.profile);
  EXPECT_THAT(none.reason, HasSubstr("its context is 8192 tokens, 8193 are required"));
}

TEST(Choose, EveryDeviceMustHaveRoom) {
  ProfileSet set = one_card();
  SetDevice second = cuda0();
  second.id = "CUDA1";
  second.pci_bus_id = std::string("0000:02:00.0");
  second.uuid = std::string("GPU-2");
  set.devices.push_back(second);
  set.profiles[0].needs = std::vector<DeviceNeed>{{"CUDA0", 3 * kGiB}, {"CUDA1", 3 * kGiB}};
  LiveMachine live = live_card(6 * kGiB);
  live.devices.push_back(live.devices[0]);
  live.devices[1].id = "CUDA1";
  live.devices[1].pci_bus_id = std::string("0000:02:00.0");
  live.devices[1].uuid = std::string("GPU-2");
  EXPECT_EQ(pick(set, live), "performance");
  live.devices[1].memory_free_bytes = 2 * kGiB;
  const Choice choice = choose(set, live, {});
  EXPECT_EQ(chosen(set, choice), "balanced");
  EXPECT_THAT(choice.passed[0].why_not, HasSubstr("CUDA1"));
}

TEST(Choose, TheHostNeedsRoomToo) {
  ProfileSet set = one_card();
  set.profiles[0].host_bytes = 30 * kGiB;
  LiveMachine live = live_card(8 * kGiB);
  EXPECT_EQ(pick(set, live), "performance");
  live.host_available_bytes = 30 * kGiB;
  EXPECT_EQ(pick(set, live), "balanced");
  // What an integrated device takes, the host lacks.
  live.host_available_bytes = 8 * kGiB;
  set.profiles[1].host_bytes = 4 * kGiB;
  EXPECT_EQ(pick(set, live), "balanced");
  live.devices[0].shares_host_memory = true;
  EXPECT_EQ(pick(set, live), "fast");
}

TEST(Choose, TheLastRungStaysEvenWhereTheHostIsShort) {
  ProfileSet set = one_card();
  set.profiles[3].host_bytes = 8 * kGiB;
  LiveMachine live = live_card(8 * kGiB);
  live.host_available_bytes = 4 * kGiB;
  const Choice choice = choose(set, live, {});
  EXPECT_EQ(names(set, choice.below).back(), "cpu_fallback");
  EXPECT_FALSE(choice.below.back().fits);
  live.devices[0].memory_free_bytes = 0;
  const Choice none = choose(set, live, {});
  EXPECT_FALSE(none.profile);
  EXPECT_THAT(none.reason, HasSubstr("of the host's memory"));
}

TEST(Choose, UnknownNeedsAreNotLoaded) {
  ProfileSet set = one_card();
  set.profiles[0].needs = Absence{"not asked"};
  EXPECT_EQ(pick(set, live_card(8 * kGiB)), "balanced");
}

TEST(Choose, AnEmptySetHasNothing) {
  const Choice choice = choose(ProfileSet(), LiveMachine(), {});
  EXPECT_FALSE(choice.profile);
  EXPECT_THAT(choice.reason, HasSubstr("no profile"));
}

// ---- by name

TEST(Choose, ANameComesFirstAndThenWhatIsSmaller) {
  ProfileSet set = one_card();
  Requirements wanted;
  wanted.profile = "balanced";
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "balanced");
  EXPECT_EQ(pick(set, live_card(3 * kGiB + 512 * kMiB), wanted), "fast");
  // A slower one that takes more is no step down.
  set.profiles[2].needs = std::vector<DeviceNeed>{{"CUDA0", 5 * kGiB}};
  set.profiles[1].config.context.n_ctx = 1;
  wanted.min_ctx = 2;
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "cpu_fallback");
  wanted.profile = "huge";
  EXPECT_THAT(choose(set, live_card(8 * kGiB), wanted).reason,
              HasSubstr("has no profile \"huge\""));
  wanted.profile = "auto";
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "performance");
}

// ---- margins

TEST(Margin, IsAShareButNeverNothing) {
  EXPECT_EQ(margin_bytes(0, false), 64 * kMiB);
  EXPECT_EQ(margin_bytes(50 * kGiB, false), kGiB);
  EXPECT_EQ(margin_bytes(kGiB, true), 256 * kMiB);
  EXPECT_EQ(margin_bytes(10 * kGiB, true), kGiB);
}

TEST(Choose, WhatIsLessSureGetsAWiderMargin) {
  ProfileSet set = one_card();
  Requirements wanted;
  wanted.max_vram_percent = 100;
  const LiveMachine live = live_card(6 * kGiB + 200 * kMiB);
  EXPECT_EQ(pick(set, live, wanted), "performance");
  set.profiles[0].origin = Origin::planned;
  EXPECT_EQ(pick(set, live, wanted), "balanced");
  set.profiles[0].origin = Origin::measured;
  LiveMachine stale = live;
  stale.devices[0].driver_version = std::string("560.1");
  const Choice choice = choose(set, stale, wanted);
  EXPECT_EQ(chosen(set, choice), "balanced");
  EXPECT_THAT(choice.reason, HasSubstr("stale"));
  EXPECT_THAT(choice.stale, ElementsAre("the driver of CUDA0 was 550.54, is 560.1"));
  EXPECT_TRUE(choice.usable);
}

TEST(Choose, NobodyKnowsWhatIsFasterOfAPlan) {
  ProfileSet set = one_card();
  for (SavedProfile& profile : set.profiles) profile.origin = Origin::planned;
  const Choice choice = choose(set, live_card(8 * kGiB), {});
  EXPECT_THAT(choice.reason, HasSubstr("performance: the first that fits; needs"));
}

// ---- devices that cannot be read

TEST(Choose, ADeviceThatIsGoneTakesNothing) {
  LiveMachine live = live_card(8 * kGiB);
  live.devices.clear();
  const Choice choice = choose(one_card(), live, {});
  EXPECT_EQ(chosen(one_card(), choice), "cpu_fallback");
  EXPECT_EQ(choice.passed[0].why_not, "CUDA0 is not here");
  EXPECT_THAT(choice.stale, ElementsAre("CUDA0 is not here"));
}

TEST(Choose, UnreadableMemoryIsWhatItWasWithAWideMargin) {
  ProfileSet set = one_card();
  LiveMachine live = live_card(8 * kGiB);
  live.devices[0].memory_free_bytes = Absence{"the driver does not say"};
  set.devices[0].memory_free_bytes = 6 * kGiB + 200 * kMiB;
  Requirements wanted;
  wanted.max_vram_percent = 100;
  const Choice choice = choose(set, live, wanted);
  EXPECT_EQ(chosen(set, choice), "balanced");
  EXPECT_THAT(choice.reason, HasSubstr("nobody can read the free memory of CUDA0"));
  set.devices[0].memory_free_bytes = Absence{"not read"};
  EXPECT_EQ(pick(set, live, wanted), "performance");  // of the total
  set.devices[0].memory_total_bytes = Absence{"not read"};
  live.devices[0].memory_total_bytes = Absence{"not read"};
  EXPECT_EQ(pick(set, live, wanted), "cpu_fallback");
}

TEST(Choose, ImpossibleFiguresAreUnreadable) {
  LiveMachine live = live_card(9 * kGiB);
  const Choice more_than_all = choose(one_card(), live, {});
  EXPECT_THAT(more_than_all.reason, HasSubstr("nobody can read"));
  live.devices[0].memory_free_bytes = std::uint64_t{0};
  live.devices[0].memory_total_bytes = std::uint64_t{0};
  ProfileSet set = one_card();
  set.devices[0].memory_total_bytes = Absence{"not read"};
  EXPECT_THAT(choose(set, live, {}).reason, HasSubstr("nobody can read"));
  live.devices[0].memory_total_bytes = 8 * kGiB;  // really full
  EXPECT_EQ(pick(one_card(), live), "cpu_fallback");
}

TEST(Choose, ASleepingCardIsAsFreeAsItWas) {
  LiveMachine live = live_card(8 * kGiB);
  live.devices[0].asleep = true;
  live.devices[0].uuid = Absence{"asleep"};
  live.devices[0].driver_version = Absence{"asleep"};
  live.devices[0].memory_free_bytes = Absence{"asleep"};
  live.devices[0].memory_total_bytes = Absence{"asleep"};
  live.devices[0].power_limit_w = Absence{"asleep"};
  live.devices[0].id.clear();
  const Choice choice = choose(one_card(), live, {});
  // 7 GiB were free: 6 GiB and 1 GiB held by others are more than 85 %.
  EXPECT_EQ(chosen(one_card(), choice), "balanced");
  EXPECT_THAT(choice.reason, HasSubstr("CUDA0 sleeps"));
  EXPECT_THAT(choice.stale, IsEmpty());
}

// ---- identity (R24)

TEST(Choose, CardsAreFoundByAddressNotByOrder) {
  ProfileSet set = one_card();
  LiveMachine live = live_card(8 * kGiB);
  LiveDevice other = live.devices[0];
  other.id.clear();
  other.pci_bus_id = std::string("0000:c1:00.0");
  other.uuid = std::string("GPU-9");
  other.memory_free_bytes = std::uint64_t{0};
  live.devices[0].id.clear();
  live.devices.insert(live.devices.begin(), other);
  EXPECT_EQ(pick(set, live), "performance");
  std::swap(live.devices[0].memory_free_bytes, live.devices[1].memory_free_bytes);
  EXPECT_EQ(pick(set, live), "cpu_fallback");
}

TEST(Choose, ARenamedCardTakesNoProfile) {
  LiveMachine live = live_card(8 * kGiB);
  live.devices[0].id = "CUDA1";
  const Choice choice = choose(one_card(), live, {});
  EXPECT_EQ(chosen(one_card(), choice), "cpu_fallback");
  EXPECT_EQ(choice.passed[0].why_not, "the card that was CUDA0 is CUDA1 now");
  EXPECT_TRUE(choice.usable);
}

TEST(Choose, TheSameCardUnderAnotherBackendIsAnotherDevice) {
  LiveMachine live = live_card(8 * kGiB);
  live.devices[0].id = "Vulkan0";
  EXPECT_EQ(choose(one_card(), live, {}).passed[0].why_not, "CUDA0 is not here");
}

TEST(Choose, ANameIsBelievedWhereThereIsNothingBetter) {
  LiveMachine live = live_card(8 * kGiB);
  live.devices[0].uuid = Absence{"none"};
  live.devices[0].pci_bus_id = Absence{"none"};
  EXPECT_EQ(pick(one_card(), live), "performance");
  live.devices[0].description = "Another GPU";
  EXPECT_FALSE(choose(one_card(), live, {}).usable);
}

TEST(Choose, RemoteDevicesAreKnownByNameAndEndpoint) {
  ProfileSet set = one_card();
  set.rpc = {"10.0.0.2:50052"};
  set.devices[0] = SetDevice();
  set.devices[0].id = "RPC0";
  set.devices[0].backend = "RPC";
  set.devices[0].memory_total_bytes = 8 * kGiB;
  set.devices[0].memory_free_bytes = 8 * kGiB;
  for (SavedProfile& profile : set.profiles) {
    if (!profile.is_cpu_only()) profile.needs = std::vector<DeviceNeed>{{"RPC0", 4 * kGiB}};
  }
  LiveMachine live = live_card(0);
  live.devices.clear();
  EXPECT_EQ(pick(set, live), "cpu_fallback");  // nobody says that it will be there
  live.rpc = set.rpc;
  EXPECT_EQ(pick(set, live), "performance");
  LiveDevice remote;
  remote.id = "RPC0";
  remote.memory_total_bytes = 8 * kGiB;
  remote.memory_free_bytes = 2 * kGiB;
  live.devices = {remote};
  EXPECT_EQ(pick(set, live), "cpu_fallback");
  live.devices[0].memory_free_bytes = 8 * kGiB;
  EXPECT_EQ(pick(set, live), "performance");
  live.rpc = std::vector<std::string>{"10.0.0.3:50052"};
  EXPECT_EQ(pick(set, live), "cpu_fallback");
}

// ---- reports

TEST(Reports, WhatRanOutNeedsMoreThanWasFree) {
  ProfileSet set = one_card();
  Requirements wanted;
  wanted.max_vram_percent = 100;
  const std::uint64_t free = 6500 * kMiB;
  EXPECT_EQ(pick(set, live_card(free), wanted), "performance");
  set.reports = {report("performance", LoadResult::out_of_memory, free)};
  EXPECT_EQ(pick(set, live_card(free), wanted), "balanced");
  EXPECT_EQ(pick(set, live_card(free + 512 * kMiB), wanted), "performance");
}

TEST(Reports, WhatNeedsMoreThanWhatRanOutNeedsItToo) {
  ProfileSet set = one_card();
  set.reports = {report("balanced", LoadResult::out_of_memory, 7900 * kMiB)};
  const Choice choice = choose(set, live_card(7900 * kMiB), {});
  EXPECT_EQ(chosen(set, choice), "fast");
  EXPECT_THAT(names(set, choice.below), ElementsAre("cpu_fallback"));
}

TEST(Reports, ALoadWithLessFreeTakesItBack) {
  ProfileSet set = one_card();
  set.reports = {report("performance", LoadResult::out_of_memory, 7 * kGiB),
                 report("performance", LoadResult::loaded, 7900 * kMiB)};
  EXPECT_EQ(pick(set, live_card(7 * kGiB)), "balanced");
  set.reports[1].free_bytes = 6700 * kMiB;
  EXPECT_EQ(pick(set, live_card(8 * kGiB)), "performance");
  std::swap(set.reports[0], set.reports[1]);
  EXPECT_EQ(pick(set, live_card(7 * kGiB)), "balanced");
}

TEST(Reports, RunningOutWithoutAFigureWidensEachTime) {
  ProfileSet set = one_card();
  EXPECT_EQ(pick(set, live_card(7800 * kMiB)), "performance");
  set.reports.assign(3, report("performance", LoadResult::out_of_memory));
  EXPECT_EQ(pick(set, live_card(7800 * kMiB)), "balanced");
}

TEST(Reports, APeakAboveTheNeedIsTheNeed) {
  ProfileSet set = one_card();
  set.reports = {report("fast", LoadResult::loaded, 4 * kGiB)};
  set.reports[0].peak_bytes = 3 * kGiB;
  EXPECT_EQ(pick(set, live_card(4 * kGiB)), "cpu_fallback");
  set.reports[0].peak_bytes = kGiB;  // the need stays what was measured
  EXPECT_EQ(pick(set, live_card(4 * kGiB)), "fast");
  set.reports[0].device = "CUDA7";
  set.reports[0].peak_bytes = 3 * kGiB;
  EXPECT_EQ(pick(set, live_card(4 * kGiB)), "fast");
}

TEST(Reports, TwoCrashesInARowAreEnough) {
  ProfileSet set = one_card();
  set.reports = {report("performance", LoadResult::crashed)};
  EXPECT_EQ(pick(set, live_card(8 * kGiB)), "performance");
  set.reports.push_back(set.reports[0]);
  EXPECT_EQ(pick(set, live_card(8 * kGiB)), "balanced");
  Requirements wanted;
  wanted.profile = "performance";
  EXPECT_EQ(pick(set, live_card(8 * kGiB), wanted), "performance");
  set.reports.push_back(report("performance", LoadResult::loaded));
  EXPECT_EQ(pick(set, live_card(8 * kGiB)), "performance");
}

TEST(Reports, OfUnknownProfilesSayNothing) {
  ProfileSet set = one_card();
  set.reports = {report("gone", LoadResult::out_of_memory, 8 * kGiB)};
  EXPECT_EQ(pick(set, live_card(8 * kGiB)), "performance");
}

// fast is faster than balanced and takes less.
ProfileSet with_a_dominated_profile() {
  ProfileSet set = one_card();
  const auto at = [](double speed) { return Estimate{speed, speed * 0.99, speed * 1.01}; };
  std::swap(set.profiles[1], set.profiles[2]);
  set.profiles[0].tokens_per_second = at(40);
  set.profiles[1].tokens_per_second = at(30);  // fast
  set.profiles[2].tokens_per_second = at(20);  // balanced
  set.profiles[3].tokens_per_second = at(10);
  for (SavedProfile& profile : set.profiles) profile.config.context.n_ctx = 4096;
  return set;
}

TEST(ChooseDominated, IsNotChosenByItselfNorTriedAfterwards) {
  const ProfileSet set = with_a_dominated_profile();
  for (const std::uint64_t free_gib : {3U, 5U, 8U}) {
    const Choice choice = choose(set, live_card(free_gib * kGiB), {});
    ASSERT_TRUE(choice.profile);
    EXPECT_NE(set.profiles[*choice.profile].name, "balanced") << free_gib;
    for (const Rung& rung : choice.below) EXPECT_NE(set.profiles[rung.profile].name, "balanced");
  }
}

TEST(ChooseDominated, ByNameItIsAndTheReasonSaysIt) {
  const ProfileSet set = with_a_dominated_profile();
  Requirements wanted;
  wanted.profile = "balanced";
  const Choice choice = choose(set, live_card(8 * kGiB), wanted);
  ASSERT_TRUE(choice.profile);
  EXPECT_EQ(set.profiles[*choice.profile].name, "balanced");
  EXPECT_THAT(choice.reason, HasSubstr("it is slower than fast, which takes less memory"));
  EXPECT_EQ(dominated_clause(set, set.profiles[0]), "");
  wanted.profile = "fast";
  EXPECT_THAT(choose(set, live_card(8 * kGiB), wanted).reason, Not(HasSubstr("slower than")));
}

TEST(ChooseDominated, AShorterContextIsNoBetterProfile) {
  ProfileSet set = with_a_dominated_profile();
  set.profiles[2].config.context.n_ctx = 8192;
  EXPECT_EQ(better_with_less(set, set.profiles[2]), nullptr);
}

}  // namespace
}  // namespace sweetspot::profiles
