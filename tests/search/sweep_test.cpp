#include "search/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/config.hpp"
#include "core/no_device.hpp"

namespace sweetspot::search {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Trial measured(const SweepPoint& point) {
  Trial trial;
  trial.layers = point.layers;
  trial.requested_layers = point.requested_layers;
  trial.config.placement.n_gpu_layers = point.layers;
  if (point.cpu_alone) trial.config.placement = cpu_alone(trial.config.placement);
  trial.generation = Speed{};
  return trial;
}

Trial failed(const SweepPoint& point, FailureClass failure_class) {
  Trial trial = measured(point);
  trial.generation.reset();
  trial.failure = Failure{failure_class, Phase::load, "scripted", {}, {}};
  return trial;
}

/// Runs a sweep on a device that fails as scripted by layers; returns the layers really tried.
std::vector<int> tried(Sweep& sweep, const std::map<int, FailureClass>& script) {
  std::vector<int> layers;
  while (const auto point = sweep.ask()) {
    if (point->not_tried) {
      Trial trial = measured(*point);
      trial.generation.reset();
      trial.failure = point->not_tried;
      sweep.tell(trial);
      continue;
    }
    layers.push_back(point->layers);
    const auto fails = script.find(point->layers);
    sweep.tell(fails == script.end() ? measured(*point) : failed(*point, fails->second));
  }
  return layers;
}

TEST(Sweep, GoesFromSafeToRiskyAndMeasuresEqualConfigsOnce) {
  Sweep sweep({43, 0, 20, -1, 33, 20}, 33);
  ASSERT_EQ(sweep.points().size(), 4U);
  EXPECT_EQ(sweep.points()[0].layers, 0);
  EXPECT_EQ(sweep.points()[1].layers, 0);
  EXPECT_EQ(sweep.points()[2].layers, 20);
  EXPECT_EQ(sweep.points()[3].layers, 33);
  EXPECT_THAT(sweep.points()[2].requested_layers, ElementsAre(20));
  EXPECT_THAT(sweep.points()[3].requested_layers, ElementsAre(43, -1, 33));
}

TEST(Sweep, NoLayersAreTheCpuAloneAndThenARowBesideTheDevice) {
  Sweep sweep({0, 2, 0}, 5);
  ASSERT_EQ(sweep.points().size(), 3U);
  EXPECT_TRUE(sweep.points()[0].cpu_alone) << "the safest comes first";
  EXPECT_FALSE(sweep.points()[1].cpu_alone);
  EXPECT_FALSE(sweep.points()[2].cpu_alone);
  sweep.tell(measured(sweep.points()[1]));
  EXPECT_TRUE(sweep.ask()->cpu_alone) << "not told by the other row of 0 layers";
}

TEST(Sweep, WithoutADeviceOnlyTheCpuAloneIsLeft) {
  Sweep sweep({0, 7, -1}, 0);
  ASSERT_EQ(sweep.points().size(), 1U);
  EXPECT_TRUE(sweep.points()[0].cpu_alone);
  EXPECT_THAT(sweep.points()[0].requested_layers, ElementsAre(0, 7, -1));
}

TEST(Sweep, RepeatsThePointUntilItIsTold) {
  Sweep sweep({0, 1}, 5);
  EXPECT_EQ(sweep.ask()->layers, 0);
  EXPECT_EQ(sweep.ask()->layers, 0);
  sweep.tell(measured(*sweep.ask()));
  sweep.tell(measured(*sweep.ask()));
  EXPECT_EQ(sweep.ask()->layers, 1);
  EXPECT_EQ(sweep.done(), 2U);
}

TEST(Sweep, IgnoresATrialOfAnotherPoint) {
  Sweep sweep({0, 1}, 5);
  sweep.tell(measured(SweepPoint{1, false, {1}, {}}));
  EXPECT_EQ(sweep.ask()->layers, 0);
}

TEST(Sweep, OfNothingIsOver) {
  Sweep sweep({}, 5);
  EXPECT_FALSE(sweep.ask());
  sweep.tell(measured(SweepPoint{0, true, {0}, {}}));
  EXPECT_EQ(sweep.done(), 0U);
}

TEST(Sweep, TriesEveryRowHoweverOftenMemoryRunsOutOrTheWorkerCrashes) {
  Sweep sweep({0, 1, 2, 3, 4}, 10);
  EXPECT_THAT(tried(sweep, {{1, FailureClass::out_of_device_memory},
                            {2, FailureClass::out_of_device_memory},
                            {3, FailureClass::crashed},
                            {4, FailureClass::crashed}}),
              ElementsAre(0, 0, 1, 2, 3, 4));
}

TEST(Sweep, StopsTheDirectionAfterTwoHangsInARow) {
  Sweep sweep({0, 1, 2, 3, 4}, 10);
  EXPECT_THAT(tried(sweep, {{1, FailureClass::timed_out}, {2, FailureClass::device_lost}}),
              ElementsAre(0, 0, 1, 2));
  EXPECT_EQ(sweep.done(), 6U);
}

TEST(Sweep, SaysWhyAPointIsNotTried) {
  Sweep sweep({1, 2, 3}, 10);
  sweep.tell(failed(*sweep.ask(), FailureClass::timed_out));
  sweep.tell(failed(*sweep.ask(), FailureClass::device_lost));
  const auto point = sweep.ask();
  ASSERT_TRUE(point && point->not_tried);
  EXPECT_EQ(point->layers, 3);
  EXPECT_EQ(point->not_tried->failure_class, FailureClass::device_lost);
  EXPECT_THAT(point->not_tried->message, HasSubstr("not tried"));
  EXPECT_THAT(point->not_tried->message, HasSubstr("1 layers and again with 2"));
}

TEST(Sweep, TwoHangsThatAreNotInARowStopNothing) {
  Sweep sweep({0, 1, 2, 3, 4}, 10);
  EXPECT_THAT(tried(sweep, {{1, FailureClass::timed_out}, {3, FailureClass::timed_out}}),
              ElementsAre(0, 0, 1, 2, 3, 4));
}

RC_GTEST_PROP(Sweep, AnswersEveryRequestExactlyOnceWhateverFails, ()) {
  const auto requested = *rc::gen::container<std::vector<int>>(rc::gen::inRange(-1, 60));
  const int offloadable = *rc::gen::inRange(0, 50);
  Sweep sweep(requested, offloadable);
  std::multiset<int> answered;
  int last = -1;
  while (const auto point = sweep.ask()) {
    RC_ASSERT(point->layers <= offloadable && (point->layers == 0 || !point->cpu_alone));
    const bool beside = last == 0 && point->layers == 0 && !point->cpu_alone;
    RC_ASSERT(point->layers > last || beside);
    last = point->layers;
    if (beside) RC_ASSERT(offloadable > 0);
    for (const int request : point->requested_layers) {
      RC_ASSERT(effective_layers(request, offloadable) == point->layers);
      if (!beside) answered.insert(request);
    }
    sweep.tell(*rc::gen::arbitrary<bool>() ? measured(*point)
                                           : failed(*point, FailureClass::timed_out));
  }
  const std::set<int> unique(requested.begin(), requested.end());
  RC_ASSERT(answered == std::multiset<int>(unique.begin(), unique.end()));
}

// ---- the reference (R47)

TEST(SweepReference, ComesOnceMoreAtTheEndWhereItWasSlowedDown) {
  Sweep sweep({0, 1, 2}, 10);
  Trial starved = measured(*sweep.ask());
  starved.mark_contended(Contended::processor);
  sweep.tell(starved);
  sweep.tell(measured(*sweep.ask()));
  sweep.tell(measured(*sweep.ask()));
  sweep.tell(measured(*sweep.ask()));
  const auto anew = sweep.ask();
  ASSERT_TRUE(anew);
  EXPECT_TRUE(anew->cpu_alone);
  EXPECT_THAT(anew->reason, HasSubstr("anew"));
  EXPECT_EQ(sweep.at(), 0U);
  sweep.tell(starved);
  EXPECT_FALSE(sweep.ask()) << "once";
}

TEST(SweepReference, ComesOnceMoreWhereItsSpeedIsTooUncertain) {
  Sweep sweep({0, 1}, 10);
  Trial blurred = measured(*sweep.ask());
  blurred.generation->tokens_per_second = {2.37, 0, 7.5};
  sweep.tell(blurred);
  sweep.tell(measured(*sweep.ask()));
  sweep.tell(measured(*sweep.ask()));
  ASSERT_TRUE(sweep.ask());
  EXPECT_TRUE(sweep.ask()->cpu_alone);
}

TEST(SweepReference, ComesOnceWhereNothingSpoiledIt) {
  Sweep sweep({0, 1}, 10);
  sweep.tell(measured(*sweep.ask()));
  for (int row = 0; row < 2; ++row) {  // 0 layers beside the device are held against it, too
    Trial other = measured(*sweep.ask());
    other.mark_contended(Contended::processor);
    sweep.tell(other);
  }
  EXPECT_FALSE(sweep.ask());
}

}  // namespace
}  // namespace sweetspot::search
