#include "profiles/recommendable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/trials.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::ElementsAre;
using testing::failed_trial;
using testing::trial;

TEST(Objections, GoWithTheEvidence) {
  auto shallow = trial(1, 10, 10);
  shallow.full_depth = FullDepth::failed;
  auto untried = trial(2, 10, 10);
  untried.full_depth = FullDepth::not_tried;
  auto excused = untried;
  excused.full_depth_note = "switched off with --no-full-depth";
  auto marked = trial(4, 10, 10);
  marked.mark(Disturbance::spilled);
  auto labelled = trial(7, 30, 12);
  labelled.disturbances = {Disturbance::throttled, Disturbance::contended};
  EXPECT_THAT(
      objections({trial(0, 10, 10), shallow, untried, excused, marked,
                  failed_trial(5, FailureClass::crashed), trial(6, 70, 1), labelled}),
      ElementsAre("", "failed with the whole context in use",
                  "was not tried with the whole context in use", "", "spilled into system memory",
                  "was not measured", "spilled into system memory", ""));
}

// R49: 2.37 +-5.09 and 0.57 +-0.58 were kept, and 0.31 +-0.30 was recommended.
TEST(Objections, ASpeedWhoseIntervalReachesHalfOfItDecidesNothing) {
  EXPECT_THAT(objections({trial(0, 0, 2.37, 2.1), trial(1, 5, 0.31, 0.97), trial(2, 10, 10, 0.5),
                          trial(3, 10, 10, 0.49)}),
              ElementsAre(::testing::HasSubstr("too uncertain"),
                          ::testing::HasSubstr("is too uncertain (0.0093 to 0.611 tok/s)"),
                          "is too uncertain (5 to 15 tok/s)", ""));
}

TEST(Objections, OneSampleAloneDecidesNothing) {
  auto one = trial(0, 0, 8);
  one.generation->tokens_per_second = {8, 4, 16};
  EXPECT_TRUE(one.uncertain());
  EXPECT_FALSE(one.conclusive());
  EXPECT_TRUE(one.measured());
}

}  // namespace
}  // namespace sweetspot::profiles
