#include "profiles/successor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/sample_set.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::measured_set;

ProfileSet fresh_set() {
  ProfileSet set = measured_set();
  set.created_at = "2026-11-25T00:00:00Z";
  set.reports.clear();
  return set;
}

ProfileSet interrupted_set() {
  ProfileSet set = fresh_set();
  set.complete = false;
  return set;
}

TEST(Successor, TheFirstSetIsKept) {
  EXPECT_EQ(successor(nullptr, fresh_set()), fresh_set());
  EXPECT_EQ(successor(nullptr, interrupted_set()), interrupted_set());
}

TEST(Successor, KeepsReportsOfTheSameConfigUnderTheSameConditions) {
  const ProfileSet old = measured_set();
  ProfileSet fresh = fresh_set();
  fresh.devices[0].memory_free_bytes = std::uint64_t{1};
  fresh.devices[0].power_limit_w = 60.0;
  const auto kept = successor(&old, fresh);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->reports, old.reports);
  EXPECT_EQ(kept->created_at, fresh.created_at);
  fresh.profiles[2].config.placement.n_gpu_layers = 29;  // balanced, of which one report is
  EXPECT_THAT(successor(&old, fresh)->reports, ElementsAre(old.reports[0]));
  fresh.profiles.erase(fresh.profiles.begin());  // performance, of which the other one is
  EXPECT_THAT(successor(&old, fresh)->reports, IsEmpty());
}

TEST(Successor, AnExportedSetThatComesBackBringsNoReportTwice) {
  ProfileSet old = measured_set();
  EXPECT_EQ(successor(&old, measured_set()), measured_set());
  LoadReport newer = old.reports.back();
  newer.at = "2026-11-26T00:00:00Z";
  old.reports.assign(kKeptReports, newer);
  for (std::size_t i = 0; i < kKeptReports; ++i) old.reports[i].peak_bytes = std::uint64_t{i};
  const auto kept = successor(&old, measured_set());
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->reports, old.reports) << "the newest are kept";
}

TEST(Successor, UnderOtherConditionsNoReportIsKept) {
  const ProfileSet old = measured_set();
  const std::vector<void (*)(ProfileSet&)> changes = {
      [](ProfileSet& set) { set.fingerprint.llama_cpp = "0.8.0"; },
      [](ProfileSet& set) { set.fingerprint.environment.clear(); },
      [](ProfileSet& set) { set.fingerprint.tool = "9"; },
      [](ProfileSet& set) { set.devices[0].driver_version = std::string("551"); },
      [](ProfileSet& set) { set.devices[0].memory_total_bytes = std::uint64_t{5}; },
      [](ProfileSet& set) { set.devices.clear(); },
      [](ProfileSet& set) { set.model.digest = "fedcba9876543210"; },
  };
  for (const auto change : changes) {
    ProfileSet fresh = fresh_set();
    fresh.complete = false;
    change(fresh);
    const auto kept = successor(&old, fresh);
    ASSERT_TRUE(kept) << "an interrupted measurement replaces what no longer holds";
    EXPECT_EQ(*kept, fresh);
  }
}

TEST(Successor, AnInterruptedMeasurementDoesNotReplaceAMeasuredSet) {
  const ProfileSet old = measured_set();
  EXPECT_FALSE(successor(&old, interrupted_set()));
  ProfileSet planned = old;
  planned.origin = Origin::planned;
  EXPECT_TRUE(successor(&planned, interrupted_set()));
}

TEST(Successor, WhatIsPlannedNeverReplacesWhatWasMeasured) {
  const ProfileSet old = measured_set();
  for (const Origin origin : {Origin::planned, Origin::defaults}) {
    ProfileSet fresh = fresh_set();
    fresh.origin = origin;
    EXPECT_FALSE(successor(&old, fresh));
    fresh.fingerprint.llama_cpp = "0.8.0";
    EXPECT_FALSE(successor(&old, fresh)) << "stale, but measured";
    ProfileSet planned = old;
    planned.origin = Origin::planned;
    EXPECT_TRUE(successor(&planned, fresh));
  }
}

// What was measured well is not replaced by what was measured badly, or by less of it.

ProfileSet with_speeds(double factor, double half_width) {
  ProfileSet set = fresh_set();
  for (SavedProfile& profile : set.profiles) {
    const double speed = profile.tokens_per_second->value * factor;
    profile.tokens_per_second = Estimate{speed, speed * (1 - half_width), speed * (1 + half_width)};
  }
  return set;
}

TEST(Successor, ANoisyMeasurementDoesNotReplaceAGoodOne) {
  const ProfileSet old = with_speeds(1, 0.01);
  EXPECT_FALSE(successor(&old, with_speeds(1, 0.15)));
  EXPECT_THAT(why_kept(&old, with_speeds(1, 0.15)), HasSubstr("1.0 % against 15.0 %"));
  EXPECT_TRUE(successor(&old, with_speeds(1, 0.03))) << "3 % is good enough";
  const ProfileSet bad = with_speeds(1, 0.1);
  EXPECT_TRUE(successor(&bad, with_speeds(1, 0.15))) << "hardly worse than what is there";
}

TEST(Successor, ACompleteMeasurementReplacesAnInterruptedOneHoweverExact) {
  ProfileSet interrupted = with_speeds(1.5, 0.001);
  interrupted.complete = false;
  ProfileSet noisy = with_speeds(1, 0.15);
  noisy.profiles = {noisy.profiles.back()};
  EXPECT_EQ(successor(&interrupted, noisy), noisy);
  EXPECT_FALSE(successor(&interrupted, interrupted_set())) << "neither is complete";
}

TEST(Successor, ARunThatTriedLessDoesNotReplaceAFasterSet) {
  const ProfileSet old = with_speeds(1, 0.01);
  ProfileSet only_cpu = with_speeds(1, 0.01);
  only_cpu.profiles = {only_cpu.profiles.back()};
  EXPECT_FALSE(successor(&old, only_cpu));
  EXPECT_THAT(why_kept(&old, only_cpu), HasSubstr("32.5 tok/s, the fastest of these 12.5"));
  EXPECT_TRUE(successor(&only_cpu, old));
}

TEST(Successor, TheSameMeasuredAgainAndSlowerIsNews) {
  const ProfileSet old = with_speeds(1, 0.01);
  EXPECT_TRUE(successor(&old, with_speeds(0.7, 0.01)));
}

TEST(Successor, OtherRequestsOrAnotherContextAreNotCompared) {
  const ProfileSet old = with_speeds(1, 0.01);
  ProfileSet deeper = with_speeds(0.2, 0.2);
  deeper.workload.n_depth = 4096;
  EXPECT_TRUE(successor(&old, deeper));
  ProfileSet longer = with_speeds(0.2, 0.2);
  for (SavedProfile& profile : longer.profiles) profile.config.context.n_ctx = 32768;
  EXPECT_TRUE(successor(&old, longer));
  ProfileSet other_driver = with_speeds(0.2, 0.2);
  other_driver.devices[0].driver_version = std::string("551");
  EXPECT_TRUE(successor(&old, other_driver)) << "the conditions are others";
}

}  // namespace
}  // namespace sweetspot::profiles
