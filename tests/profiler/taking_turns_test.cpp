// Two configs that take turns, on a site whose speed drifts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "ground/bytes.hpp"
#include "profiler/plain_site.hpp"
#include "profiler/trial_runner.hpp"

namespace sweetspot::profiler {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

struct TakingTurnsTest : testing::Test {
  TakingTurnsTest() {
    request.max_seconds = 1;
    request.as_request = true;
    model.n_layer = 2;
    plain.host_free = 8 * kGiB;
    plain.memory = {{kHostDeviceId, kGiB, 0, 0, 0}};
    rules.workload = request.workload;
    // 5 % apart, while the machine slows down to half and comes back every 20 seconds.
    plain.ms = [this](int layers) {
      const double drift = 1.5 - 0.5 * std::cos(plain.now_ms / 1e4 * 3.14);
      return (layers == 1 ? 20.0 : 21.0) * drift;
    };
  }

  Trial measure(int layers) {
    TrialAsk ask;
    ask.config.placement.n_gpu_layers = ask.layers = layers;
    ask.extent = Extent::speeds;
    return runner.run(ask);
  }

  test::Plain plain;
  test::PlainSite site{plain};
  Request request;
  ModelInfo model;
  Observer observer;
  tune::Rules rules;
  TrialRunner runner{request, model, {}, site, {}, observer};
};

TEST_F(TakingTurnsTest, WhatDriftsInBothAlikeLeavesTheirRatio) {
  const Trial baseline = measure(2);
  const Trial winner = measure(1);
  tune::InTurn judge(rules, 80);
  ASSERT_TRUE(runner.take_turns(winner, baseline, judge));
  const auto speed_up = tune::speed_up_of(judge.turns(), rules);
  ASSERT_TRUE(speed_up);
  EXPECT_NEAR(speed_up->value, 1.05, 0.01);
  EXPECT_GT(speed_up->low, 1);
  EXPECT_EQ(plain.starts, 3) << "the baseline twice, the winner once";
  EXPECT_EQ(plain.ended, 2) << "the winner is held as before";
  runner.release(nullptr);
  EXPECT_EQ(plain.ended, 3);
}

TEST_F(TakingTurnsTest, NothingIsStartedWhereTheHostHasNoRoomNow) {
  const Trial baseline = measure(2);
  const Trial winner = measure(1);
  plain.host_free = kGiB / 2;
  const int before = plain.starts;
  tune::InTurn judge(rules, 80);
  const auto taken = runner.take_turns(winner, baseline, judge);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().failure_class, FailureClass::does_not_fit);
  EXPECT_THAT(taken.error().message, HasSubstr("no room"));
  EXPECT_EQ(plain.starts, before);
  plain.host_free = Absence{"nobody knows"};
  EXPECT_FALSE(runner.take_turns(winner, baseline, judge));
  EXPECT_EQ(plain.starts, before);
}

TEST_F(TakingTurnsTest, OneThatCannotBeLoadedBesideItLeavesTheWinner) {
  const Trial baseline = measure(2);
  const Trial winner = measure(1);
  plain.load_failure = test::refused();
  tune::InTurn judge(rules, 80);
  EXPECT_FALSE(runner.take_turns(winner, baseline, judge));
  EXPECT_THAT(judge.turns().generation.winner_ms, SizeIs(0));
  plain.load_failure.reset();
  EXPECT_TRUE(runner.take_turns(winner, baseline, judge)) << "it can still be asked";
}

TEST_F(TakingTurnsTest, TheWinnerMustBeLoaded) {
  const Trial baseline = measure(2);
  const Trial winner = measure(1);
  runner.release(nullptr);
  tune::InTurn judge(rules, 80);
  EXPECT_FALSE(runner.take_turns(winner, baseline, judge));
}

TEST_F(TakingTurnsTest, ACancelledRunTakesNoMoreTurns) {
  const Trial baseline = measure(2);
  const Trial winner = measure(1);
  plain.cancelled = true;
  tune::InTurn judge(rules, 80);
  EXPECT_TRUE(runner.take_turns(winner, baseline, judge));
  EXPECT_THAT(judge.turns().generation.winner_ms, SizeIs(0));
}

}  // namespace
}  // namespace sweetspot::profiler
