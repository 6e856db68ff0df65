#include "tune/few_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using test::config_of;
using test::trial_of;

// A prompt measured with these times per token, in an interval as wide as convention has it.
Trial prompt_of(const std::vector<double>& ms, double precision = 0.7) {
  Trial trial = trial_of(config_of(0), 100, 5, precision);
  trial.prompt->samples = static_cast<std::uint32_t>(ms.size());
  for (const double one : ms) trial.prompt->raw.push_back({0, one * 512, 512});
  return trial;
}

double width(const Trial& trial) {
  const Estimate& ms = trial.prompt->ms_per_token;
  return (ms.high - ms.low) / ms.value;
}

TEST(FewSamples, AreBelievedWhereTheyAgree) {
  const Trial two = believed(prompt_of({5, 5.02}));
  EXPECT_LT(width(two), 0.1);
  EXPECT_GT(width(two), 0.02);
  EXPECT_DOUBLE_EQ(two.prompt->ms_per_token.value, 5);
}

TEST(FewSamples, EvenOneSaysMoreThanHalfToDouble) {
  const double one = width(believed(prompt_of({5})));
  EXPECT_LT(one, 0.15);
  EXPECT_GT(one, width(believed(prompt_of({5, 5, 5}))));
}

TEST(FewSamples, WhereTheyDisagreeTheIntervalIsWider) {
  EXPECT_GT(width(believed(prompt_of({4, 5, 6}))), 2 * width(believed(prompt_of({5, 5, 5}))));
}

TEST(FewSamples, NeverWidenAnInterval) {
  EXPECT_NEAR(width(believed(prompt_of({4, 5, 6}, 0.001))), 0.002, 1e-12);
}

TEST(FewSamples, ManySpeakForThemselves) {
  EXPECT_DOUBLE_EQ(width(believed(prompt_of(std::vector<double>(8, 5)))), 1.4);
}

TEST(FewSamples, WithoutTheSamplesThemselvesNothingChanges) {
  Trial trial = prompt_of({5, 5});
  trial.prompt->raw.clear();
  EXPECT_DOUBLE_EQ(width(believed(trial)), 1.4);
  trial.prompt.reset();
  EXPECT_FALSE(believed(trial).prompt);
}

TEST(FewSamples, WarmUpIsLeftOut) {
  Trial trial = prompt_of({9, 5, 5});
  trial.prompt->samples = 2;
  trial.prompt->warm_up_cut = 1;
  EXPECT_LT(width(believed(trial)), 0.1);
}

// ---- the spread of several trials of one config

PooledSpread pooled(const std::vector<Trial>& trials) {
  PooledSpread spread;
  for (const Trial& trial : trials) spread.add(trial);
  return spread;
}

TEST(PooledSpread, SeveralTrialsKnowTheSpreadBetterThanOne) {
  const Trial one = prompt_of({4.95, 5.05});
  const double alone = width(pooled({one}).applied_to(one));
  const double together = width(pooled({one, one, one}).applied_to(one));
  EXPECT_LT(together, alone / 2);
  EXPECT_GT(together, 0.01);
}

TEST(PooledSpread, WhatLiesBetweenTrialsIsNotSpreadWithinOne) {
  const Trial slow = [] {
    Trial trial = prompt_of({9.9, 10.1});
    trial.prompt->ms_per_token.value = 10;
    return trial;
  }();
  const Trial one = prompt_of({4.95, 5.05});
  EXPECT_NEAR(width(pooled({one, slow}).applied_to(one)), width(pooled({one, one}).applied_to(one)),
              1e-9);
}

TEST(PooledSpread, CoversTheTruthInAboutNineteenOfTwentyCases) {
  std::mt19937 random(7);
  std::normal_distribution<double> noise(0, 0.04);
  const auto sample = [&] { return 5 * (1 + noise(random)); };
  constexpr int kCases = 4000;
  int covered = 0;
  for (int i = 0; i < kCases; ++i) {
    std::vector<Trial> trials;
    for (int k = 0; k < 3; ++k) {
      const std::vector<double> ms = {sample(), sample(), sample()};
      trials.push_back(prompt_of(ms));
      std::vector<double> sorted = ms;
      std::sort(sorted.begin(), sorted.end());
      trials.back().prompt->ms_per_token.value = sorted[1];
    }
    const Estimate ms = pooled(trials).applied_to(trials[0]).prompt->ms_per_token;
    covered += ms.low <= 5 && 5 <= ms.high ? 1 : 0;
  }
  EXPECT_GT(covered, kCases * 93 / 100);
  EXPECT_LT(covered, kCases * 99 / 100);
}

TEST(PooledSpread, OneSampleATrialTellsNoSpread) {
  const Trial one = prompt_of({5});
  EXPECT_DOUBLE_EQ(width(pooled({one, one}).applied_to(one)), 1.4);
}

TEST(PooledSpread, ManySamplesSpeakForThemselves) {
  const Trial many = prompt_of(std::vector<double>(8, 5));
  EXPECT_DOUBLE_EQ(width(pooled({many, prompt_of({5, 5.1})}).applied_to(many)), 1.4);
}

}  // namespace
}  // namespace sweetspot::tune
