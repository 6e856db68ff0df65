#include "profiles/pick_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace sweetspot::profiles::testing;  // NOLINT(google-build-using-namespace): test data
using ::testing::Optional;

ProfileSet measured(const std::string& created_at, const Workload& workload,
                    std::uint32_t n_ctx = 4096) {
  ProfileSet set = one_card();
  set.created_at = created_at;
  set.workload = workload;
  for (SavedProfile& profile : set.profiles) profile.config.context.n_ctx = n_ctx;
  return set;
}

const Workload kShort{512, 128, 0};
const Workload kChat{256, 256, 1024};

TEST(PickSet, TakesTheNewestMeasuredOne) {
  const std::vector<ProfileSet> sets = {measured("2026-11-02T00:00:00Z", kShort),
                                        measured("2026-11-03T00:00:00Z", kChat),
                                        measured("2026-11-01T00:00:00Z", kShort)};
  EXPECT_THAT(pick_set(sets, {}), Optional(1U));
  EXPECT_FALSE(pick_set({}, {}));
}

TEST(PickSet, APlannedSetComesAfterEveryMeasuredOne) {
  ProfileSet planned = measured("2026-11-09T00:00:00Z", kShort);
  planned.origin = Origin::planned;
  EXPECT_THAT(pick_set({planned, measured("2026-11-01T00:00:00Z", kChat)}, {}), Optional(1U));
  EXPECT_THAT(pick_set({planned}, {}), Optional(0U));
}

TEST(PickSet, OfAWorkloadOnlyWhatWasMeasuredForIt) {
  const std::vector<ProfileSet> sets = {measured("2026-11-02T00:00:00Z", kShort),
                                        measured("2026-11-03T00:00:00Z", kChat)};
  Workload side_by_side = kShort;
  side_by_side.n_parallel = 4;
  EXPECT_THAT(pick_set(sets, {side_by_side, 0}), Optional(0U));
  EXPECT_FALSE(pick_set(sets, {Workload{1, 2, 3}, 0}));
  ProfileSet planned = measured("2026-11-09T00:00:00Z", kShort);
  planned.origin = Origin::planned;
  EXPECT_FALSE(pick_set({planned}, {kShort, 0})) << "nothing was measured";
}

TEST(PickSet, PrefersASetThatHasTheContext) {
  const std::vector<ProfileSet> sets = {measured("2026-11-02T00:00:00Z", kShort, 32768),
                                        measured("2026-11-03T00:00:00Z", kShort, 4096)};
  EXPECT_THAT(pick_set(sets, {std::nullopt, 8192}), Optional(0U));
  EXPECT_THAT(pick_set(sets, {std::nullopt, 4096}), Optional(1U));
  EXPECT_THAT(pick_set(sets, {std::nullopt, 65536}), Optional(1U)) << "none has it: the newest";
}

}  // namespace
}  // namespace sweetspot::profiles
