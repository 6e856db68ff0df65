// Two engines of one config, on sites whose speeds are known.
#include "profiler/duel.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/no_device.hpp"
#include "ground/bytes.hpp"
#include "profiler/plain_site.hpp"

namespace sweetspot::profiler {
namespace {

using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

struct DuelTest : testing::Test {
  DuelTest() {
    for (test::Plain* plain : {&plain_a, &plain_b}) {
      plain->host_free = 8 * kGiB;
      plain->memory = {{kHostDeviceId, kGiB, 0, 0, 0}};
    }
    for (Prepared* prepared : {&a, &b}) {
      prepared->request.base.placement = cpu_alone({});
      prepared->request.max_seconds = 1;
      prepared->run.model.n_layer = 2;
      prepared->run.workload = prepared->request.workload;
      prepared->run.machine.memory_available_bytes = 8 * kGiB;
    }
  }

  DuelOutcome fight(double ms_of_a, double ms_of_b) {
    plain_a.ms = [=](int) { return ms_of_a; };
    plain_b.ms = [=](int) { return ms_of_b; };
    return duel({a, site_a}, {b, site_b}, a.request.base, rules, Observer());
  }

  test::Plain plain_a;
  test::Plain plain_b;
  test::PlainSite site_a{plain_a};
  test::PlainSite site_b{plain_b};
  Prepared a;
  Prepared b;
  DuelRules rules;
};

TEST_F(DuelTest, TheSlowerOneIsToldByTurns) {
  const DuelOutcome outcome = fight(10, 11);
  EXPECT_THAT(outcome.rounds, SizeIs(rules.least_rounds));
  EXPECT_THAT(outcome.rounds, Each(Field(&DuelRound::in_turn, true)));
  const auto ratio = ratio_over(outcome.rounds, &DuelRound::generation);
  ASSERT_TRUE(ratio);
  EXPECT_NEAR(ratio->value, 10.0 / 11, 1e-6);
  EXPECT_LT(ratio->high, 1);
  EXPECT_EQ(outcome.a.run.settings.mode, "compare");
  EXPECT_THAT(outcome.a.run.results, SizeIs(1)) << "later it is only loaded beside the other";
  EXPECT_THAT(outcome.b.run.results, SizeIs(rules.least_rounds));
  EXPECT_EQ(plain_a.starts, plain_a.ended);
  EXPECT_EQ(plain_b.starts, plain_b.ended);
}

TEST_F(DuelTest, WhatIsTheSameIsNotToldApart) {
  const DuelOutcome outcome = fight(10, 10);
  const auto ratio = ratio_over(outcome.rounds, &DuelRound::generation);
  ASSERT_TRUE(ratio);
  EXPECT_LT(ratio->low, 1);
  EXPECT_GT(ratio->high, 1);
}

// The ratio of what was measured one after the other.
TEST_F(DuelTest, WithoutRoomForBothEachIsLoadedForItself) {
  plain_a.host_free = plain_b.host_free = kGiB / 2;
  const DuelOutcome outcome = fight(10, 12);
  EXPECT_THAT(outcome.rounds, Each(Field(&DuelRound::in_turn, false)));
  EXPECT_EQ(outcome.a.run.results.size(), outcome.rounds.size());
  const auto ratio = ratio_over(outcome.rounds, &DuelRound::generation);
  ASSERT_TRUE(ratio);
  EXPECT_NEAR(ratio->value, 10.0 / 12, 1e-6);
  EXPECT_LT(ratio->high, 1);
}

// Here a prompt of 512 tokens is 5 s, and a round has less than a second for turns.
TEST_F(DuelTest, PromptsOfSecondsAreTakenInTheFirstRoundsAlone) {
  rules.noticeable = 0.01;
  const DuelOutcome outcome = fight(10, 10);
  ASSERT_GT(outcome.rounds.size(), 4U);
  for (std::size_t i = 0; i < outcome.rounds.size(); ++i) {
    EXPECT_EQ(outcome.rounds[i].prompt.has_value(), i < 3) << i;
    EXPECT_TRUE(outcome.rounds[i].generation) << i;
  }
}

TEST_F(DuelTest, PromptsThatTakeTooLongAreComparedByTheFirstTrials) {
  rules.max_seconds = 60;
  const DuelOutcome outcome = fight(10, 11);
  ASSERT_THAT(outcome.rounds, SizeIs(rules.least_rounds));
  ASSERT_TRUE(outcome.rounds[0].prompt);
  EXPECT_NEAR(outcome.rounds[0].prompt->value, 10.0 / 11, 1e-6);
  EXPECT_FALSE(outcome.rounds[1].prompt || outcome.rounds[2].prompt);
}

TEST_F(DuelTest, NoTrialFillsItsWholeContext) {
  const DuelOutcome outcome = fight(10, 11);
  for (const Trial& trial : outcome.b.run.results) EXPECT_NE(trial.extent, Extent::full);
}

TEST_F(DuelTest, OneThatCannotBeLoadedEndsIt) {
  plain_b.load_failure = test::refused();
  const DuelOutcome outcome = fight(10, 10);
  EXPECT_THAT(outcome.rounds, IsEmpty());
  ASSERT_THAT(outcome.b.run.results, SizeIs(1));
  EXPECT_TRUE(outcome.b.run.results.front().failure);
}

TEST_F(DuelTest, AfterCtrlCNothingIsCompared) {
  plain_a.cancelled = plain_b.cancelled = true;
  const DuelOutcome outcome = fight(10, 10);
  EXPECT_TRUE(outcome.a.interrupted);
  EXPECT_THAT(outcome.rounds, IsEmpty());
}

TEST(RatioOver, IsAsWideAsLoadsDiffer) {
  const DuelRound round{Estimate{1, 1, 1}, std::nullopt, true};
  const auto one = ratio_over({round}, &DuelRound::generation);
  const auto four = ratio_over({round, round, round, round}, &DuelRound::generation);
  ASSERT_TRUE(one && four);
  EXPECT_GT(one->high, 1.03);
  EXPECT_NEAR(std::log(one->high) / std::log(four->high), 2, 1e-9);
  EXPECT_FALSE(ratio_over({round}, &DuelRound::prompt));
}

}  // namespace
}  // namespace sweetspot::profiler
