#include "profiles/successor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/sample_set.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::measured_set;

ProfileSet fresh_set() {
  ProfileSet set = measured_set();
  set.created_at = "2026-11-25T00:00:00Z";
  set.reports.clear();
  return set;
}

TEST(Successor, TheFirstSetIsKept) {
  EXPECT_EQ(successor(nullptr, fresh_set(), true), fresh_set());
  EXPECT_EQ(successor(nullptr, fresh_set(), false), fresh_set());
}

TEST(Successor, KeepsReportsOfTheSameConfigUnderTheSameConditions) {
  const ProfileSet old = measured_set();
  ProfileSet fresh = fresh_set();
  fresh.devices[0].memory_free_bytes = std::uint64_t{1};
  fresh.devices[0].power_limit_w = 60.0;
  const auto kept = successor(&old, fresh, true);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->reports, old.reports);
  EXPECT_EQ(kept->created_at, fresh.created_at);
  fresh.profiles[2].config.placement.n_gpu_layers = 29;  // balanced, of which one report is
  EXPECT_THAT(successor(&old, fresh, true)->reports, ElementsAre(old.reports[0]));
  fresh.profiles.erase(fresh.profiles.begin());  // performance, of which the other one is
  EXPECT_THAT(successor(&old, fresh, true)->reports, IsEmpty());
}

TEST(Successor, AnExportedSetThatComesBackBringsNoReportTwice) {
  ProfileSet old = measured_set();
  EXPECT_EQ(successor(&old, measured_set(), true), measured_set());
  LoadReport newer = old.reports.back();
  newer.at = "2026-11-26T00:00:00Z";
  old.reports.assign(kKeptReports, newer);
  for (std::size_t i = 0; i < kKeptReports; ++i) old.reports[i].peak_bytes = std::uint64_t{i};
  const auto kept = successor(&old, measured_set(), true);
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
    change(fresh);
    const auto kept = successor(&old, fresh, false);
    ASSERT_TRUE(kept) << "an interrupted measurement replaces what no longer holds";
    EXPECT_EQ(*kept, fresh);
  }
}

TEST(Successor, AnInterruptedMeasurementDoesNotReplaceAMeasuredSet) {
  const ProfileSet old = measured_set();
  EXPECT_FALSE(successor(&old, fresh_set(), false));
  ProfileSet planned = old;
  planned.origin = Origin::planned;
  EXPECT_TRUE(successor(&planned, fresh_set(), false));
}

TEST(Successor, WhatIsPlannedNeverReplacesWhatWasMeasured) {
  const ProfileSet old = measured_set();
  for (const Origin origin : {Origin::planned, Origin::defaults}) {
    ProfileSet fresh = fresh_set();
    fresh.origin = origin;
    EXPECT_FALSE(successor(&old, fresh, true));
    fresh.fingerprint.llama_cpp = "0.8.0";
    EXPECT_FALSE(successor(&old, fresh, true)) << "stale, but measured";
    ProfileSet planned = old;
    planned.origin = Origin::planned;
    EXPECT_TRUE(successor(&planned, fresh, true));
  }
}

}  // namespace
}  // namespace sweetspot::profiles
