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

}  // namespace
}  // namespace sweetspot::profiles
