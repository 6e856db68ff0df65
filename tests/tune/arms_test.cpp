#include "tune/arms.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using test::config_of;
using test::tell;
using test::trial_of;

constexpr double kTolerance = 0.02;

Trial with_memory(Trial trial, std::uint64_t bytes) {
  trial.vram_used_bytes = bytes;
  return trial;
}

TEST(Arms, OfTwoTrialsTheLastCountsUnlessTheFirstWasSuspect) {
  Arms arms;
  tell(arms, trial_of(config_of(4), 20, 1));
  tell(arms, trial_of(config_of(4), 30, 1));
  EXPECT_DOUBLE_EQ(arms.find(config_of(4))->cost->value, 1024 + 3000);
  tell(arms, trial_of(config_of(4), 20, 1), Again::faster);
  EXPECT_DOUBLE_EQ(arms.find(config_of(4))->generation_ms->value, 20);
  tell(arms, trial_of(config_of(4), 40, 1), Again::faster);
  EXPECT_DOUBLE_EQ(arms.find(config_of(4))->cost->value, 1024 + 2000);
  EXPECT_DOUBLE_EQ(arms.find(config_of(4))->generation_ms->value, 20) << "the model's, too";
  EXPECT_EQ(arms.find(config_of(4))->times, 4);
  EXPECT_DOUBLE_EQ(*arms.find(config_of(4))->least_cost, 1024 + 2000);
}

TEST(Arms, WhatADisturbedTrialSaysDoesNotCountAgainstAnUndisturbedOne) {
  Arms arms;
  tell(arms, trial_of(config_of(4), 20, 1));
  Trial disturbed = trial_of(config_of(4), 90, 1);
  disturbed.mark(Disturbance::contended);
  tell(arms, disturbed);
  EXPECT_TRUE(arms.find(config_of(4))->may_win());
  EXPECT_DOUBLE_EQ(arms.find(config_of(4))->cost->value, 1024 + 2000);
}

// R49: a speed that may be half or double the value is no evidence for or against anything.
TEST(Arms, WhatIsTooUncertainNeverWins) {
  Arms arms;
  tell(arms, trial_of(config_of(4), 5, 0.1, 0.7));
  EXPECT_FALSE(arms.find(config_of(4))->may_win());
  EXPECT_EQ(arms.cheapest(), nullptr);
  tell(arms, trial_of(config_of(5), 20, 1));
  EXPECT_EQ(arms.cheapest()->config, config_of(5));
  tell(arms, trial_of(config_of(4), 30, 1), Again::faster);
  EXPECT_DOUBLE_EQ(arms.find(config_of(4))->cost->value, 1024 + 3000) << "noise is no record";
}

TEST(Arms, AMachineThatIsAlwaysBusyIsComparedWithItself) {
  Arms arms;
  const auto told = [&](int layers, double ms, bool busy) {
    Trial trial = trial_of(config_of(layers), ms, 1);
    if (busy) trial.mark_contended(Contended::processor);
    tell(arms, trial);
  };
  told(4, 20, true);
  told(5, 30, true);
  EXPECT_EQ(arms.cheapest()->config, config_of(4));
  told(6, 25, false);
  EXPECT_EQ(arms.cheapest()->config, config_of(4)) << "it was slowed down, and faster all the same";
  EXPECT_EQ(arms.find(config_of(5))->objection, "contended, processor");
  told(7, 19, false);
  EXPECT_EQ(arms.cheapest()->config, config_of(7)) << "what was quiet says more";
  EXPECT_EQ(arms.find(config_of(4))->objection, "contended, processor");
}

TEST(Arms, WhatSpilledNeverWinsWhateverElseWasMeasured) {
  Arms arms;
  Trial spilled = trial_of(config_of(4), 20, 1);
  spilled.mark(Disturbance::spilled);
  tell(arms, spilled);
  EXPECT_EQ(arms.cheapest(), nullptr);
}

TEST(Arms, WhatLaterTrialsShowToHaveSpilledNeverWins) {
  Arms arms;
  tell(arms, trial_of(config_of(4), 20, 1));
  tell(arms, trial_of(config_of(5), 25, 1));
  arms.know_spilled(config_of(4), Objective::request);
  EXPECT_EQ(arms.cheapest()->config, config_of(5));
  EXPECT_EQ(arms.find(config_of(4))->objection, "spilled");
  arms.know_spilled(config_of(9), Objective::request);
  EXPECT_THAT(arms.all(), testing::SizeIs(2)) << "what was not tried is nothing to know of";
}

TEST(Arms, WhatIsCheaperAlthoughItWasDisturbedMayWin) {
  const auto disturbed = [](int layers, double ms) {
    Trial trial = trial_of(config_of(layers), ms, 1);
    trial.mark(Disturbance::throttled);
    return trial;
  };
  Arms arms;
  tell(arms, trial_of(config_of(5), 30, 1));
  tell(arms, disturbed(4, 31));
  tell(arms, disturbed(3, 18));
  EXPECT_FALSE(arms.find(config_of(4))->may_win());
  EXPECT_EQ(arms.best(config_of(5), kTolerance)->config, config_of(3))
      << "a device that is held back is slower, never faster";
  tell(arms, trial_of(config_of(2), 17, 1));
  EXPECT_FALSE(arms.find(config_of(3))->may_win());
}

TEST(Arms, BetterIsBeyondTheIntervalOfTheDifference) {
  Arms arms;
  const double ms = 1024 + 2000;
  tell(arms, trial_of(config_of(1), 20, 1));
  tell(arms, trial_of(config_of(2), 20 * 0.985, 0.985));
  tell(arms, trial_of(config_of(3), 20 * 0.995, 0.995));
  const Arm& first = *arms.find(config_of(1));
  ASSERT_GT(first.cost->low, ms * 0.985 * 0.99) << "the intervals overlap";
  EXPECT_TRUE(is_better(*arms.find(config_of(2)), first));
  EXPECT_FALSE(is_better(*arms.find(config_of(3)), first)) << "may be chance";
  EXPECT_FALSE(is_better(first, first));
}

TEST(Arms, OfATieTheOneThatSavesMemoryWorthHaving) {
  Arms arms;
  tell(arms, with_memory(trial_of(config_of(5), 20, 1), 5'000'000'000));
  tell(arms, with_memory(trial_of(config_of(4), 20.05, 1), 4'900'000'000));
  EXPECT_EQ(arms.best(config_of(0), kTolerance)->config, config_of(5)) << "2 % buy nothing";
  tell(arms, with_memory(trial_of(config_of(3), 20.05, 1), 4'000'000'000));
  EXPECT_EQ(arms.best(config_of(0), kTolerance)->config, config_of(3));
  EXPECT_EQ(arms.cheapest()->config, config_of(5));
}

TEST(Arms, OfATieAtEqualMemoryTheOneWithFewerChanges) {
  Arms arms;
  ContextSettings threads;
  threads.n_threads = 4;
  tell(arms, trial_of(config_of(5, 0, threads), 20, 1));
  tell(arms, trial_of(config_of(5), 20.05, 1));
  EXPECT_EQ(arms.best(config_of(5), kTolerance)->config, config_of(5));
  tell(arms, trial_of(config_of(5), 20.5, 1));
  EXPECT_EQ(arms.best(config_of(5), kTolerance)->config, config_of(5, 0, threads))
      << "more than a quarter of the tolerance is no tie";
}

TEST(Arms, WhereNothingMayWinNothingIsBest) {
  Arms arms;
  EXPECT_EQ(arms.best({}, kTolerance), nullptr);
  Trial spilled = trial_of(config_of(5), 20, 1);
  spilled.mark(Disturbance::spilled);
  tell(arms, spilled);
  EXPECT_EQ(arms.best({}, kTolerance), nullptr);
  EXPECT_TRUE(arms.front().empty());
}

}  // namespace
}  // namespace sweetspot::tune
