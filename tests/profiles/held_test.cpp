#include "profiles/held.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/choose.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Loader kServer{"llama-server", {}};
const Loader kEmbedding{"llama-server", {"--embedding"}};
const Loader kOther{"host.py", {}};

LoadReport by(const Loader& loader, LoadReport report) {
  report.loader = loader;
  return report;
}

std::string pick_for(const ProfileSet& set, const Loader& loader, std::uint64_t free = 8 * kGiB) {
  Requirements wanted;
  wanted.loader = loader;
  return chosen(set, choose(set, live_card(free), wanted));
}

// R51: what one program, argument or timeout did never locks a profile for others.
TEST(Blame, CrashesLockAProfileForTheSameLoaderOnly) {
  ProfileSet set = one_card();
  set.reports.assign(2, by(kEmbedding, report("performance", LoadResult::crashed)));
  EXPECT_EQ(pick_for(set, kEmbedding), "balanced");
  EXPECT_EQ(pick_for(set, kServer), "performance");
  EXPECT_EQ(pick_for(set, kOther), "performance");
  EXPECT_EQ(pick_for(set, {}), "performance");
}

TEST(Blame, OneCrashOfEachIsNotTwoInARow) {
  ProfileSet set = one_card();
  set.reports = {by(kEmbedding, report("performance", LoadResult::crashed)),
                 by(kServer, report("performance", LoadResult::crashed))};
  EXPECT_EQ(pick_for(set, kEmbedding), "performance");
  EXPECT_EQ(pick_for(set, kServer), "performance");
}

TEST(Blame, ALoadOfAnotherDoesNotForgive) {
  ProfileSet set = one_card();
  set.reports = {by(kEmbedding, report("performance", LoadResult::crashed)),
                 by(kServer, report("performance", LoadResult::loaded)),
                 by(kEmbedding, report("performance", LoadResult::crashed))};
  EXPECT_EQ(pick_for(set, kEmbedding), "balanced");
}

TEST(Blame, OutOfMemoryWithOtherArgumentsIsTheirs) {
  ProfileSet set = one_card();
  set.reports = {by(kEmbedding, report("performance", LoadResult::out_of_memory, 7900 * kMiB))};
  EXPECT_EQ(pick_for(set, kEmbedding, 7800 * kMiB), "balanced");
  EXPECT_EQ(pick_for(set, kServer, 7800 * kMiB), "performance");
}

TEST(Blame, NotReadyInTimeIsHeldAgainstNothing) {
  ProfileSet set = one_card();
  set.reports.assign(5, by(kServer, report("performance", LoadResult::timed_out)));
  EXPECT_EQ(pick_for(set, kServer), "performance");
  // And does not break a row of crashes.
  set.reports = {by(kServer, report("performance", LoadResult::crashed)),
                 by(kServer, report("performance", LoadResult::timed_out)),
                 by(kServer, report("performance", LoadResult::crashed))};
  EXPECT_EQ(pick_for(set, kServer), "balanced");
}

TEST(Blame, TheLastRungIsNeverLocked) {
  ProfileSet set = one_card();
  for (const SavedProfile& profile : set.profiles) {
    for (int i = 0; i < 3; ++i) {
      set.reports.push_back(by(kServer, report(profile.name, LoadResult::crashed)));
    }
  }
  EXPECT_EQ(pick_for(set, kServer), "cpu_fallback");
  // Nor where the last one lies on a device.
  set.profiles.pop_back();
  EXPECT_EQ(pick_for(set, kServer), set.profiles.back().name);
}

TEST(Held, SaysWhatAndForWhom) {
  ProfileSet set = one_card();
  EXPECT_THAT(held_against(set), IsEmpty());
  set.reports = {by(kEmbedding, report("performance", LoadResult::crashed)),
                 by(kEmbedding, report("performance", LoadResult::crashed)),
                 by(kServer, report("balanced", LoadResult::out_of_memory, 7900 * kMiB)),
                 by(kServer, report("fast", LoadResult::timed_out))};
  const std::vector<Held> held = held_against(set);
  ASSERT_THAT(held, SizeIs(3));
  EXPECT_EQ(held[0].profile, "performance");
  EXPECT_EQ(name_of(held[0].loader), "llama-server --embedding");
  EXPECT_THAT(held[0].what, HasSubstr("crashed the last two times"));
  // What needs more than what ran out needs it too.
  EXPECT_EQ(held[1].profile, "performance");
  EXPECT_EQ(name_of(held[1].loader), "llama-server");
  EXPECT_EQ(held[2].profile, "balanced");
  EXPECT_THAT(held[2].what, HasSubstr("it needs 7.71 GiB of CUDA0"));
}

TEST(Held, IsForgottenByProfileOrAll) {
  ProfileSet set = one_card();
  set.reports = {by(kServer, report("performance", LoadResult::crashed)),
                 by(kEmbedding, report("fast", LoadResult::crashed))};
  EXPECT_THAT(without_reports(set, "performance").reports, SizeIs(1));
  EXPECT_THAT(without_reports(set, "").reports, IsEmpty());
}

TEST(Held, NamesAnApplicationWithoutAName) { EXPECT_EQ(name_of({}), "an application"); }

}  // namespace
}  // namespace sweetspot::profiles
