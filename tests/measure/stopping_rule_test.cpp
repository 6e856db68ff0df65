#include "measure/stopping_rule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "measure/coverage.hpp"
#include "measure/noise_models.hpp"

namespace sweetspot::measure {
namespace {

Sample token(double ms) { return Sample{0, ms, 1}; }

StoppingOptions without_caps() {
  StoppingOptions options;
  options.max_seconds = 1e9;
  return options;
}

Summary summary_on(const std::vector<double>& times) {
  StoppingRule rule;
  for (const double time : times) rule.add(token(time));
  return rule.summary().value();
}

// R11: what the study found for this rule, as a floor.
TEST(StoppingRule, CoversTheTruthOnTheNoiseModelsItWasChosenBy) {
  constexpr int kRuns = 300;
  for (const auto noise : {testing::Noise::normal_1, testing::Noise::normal_3,
                           testing::Noise::stalls, testing::Noise::ramp}) {
    const auto row = testing::coverage(noise, kRuns, without_caps());
    EXPECT_GE(row.within_1_percent, 0.90) << testing::name_of(noise);
    EXPECT_GE(row.interval_holds, 0.90) << testing::name_of(noise);
  }
}

TEST(StoppingRule, NeedsAboutAsManySamplesAsTheStudy) {
  constexpr int kRuns = 200;
  const auto samples = [&](testing::Noise noise) {
    return testing::coverage(noise, kRuns, without_caps()).median_samples;
  };
  EXPECT_LE(samples(testing::Noise::normal_1), 20);
  EXPECT_LE(samples(testing::Noise::normal_3), 80);
  EXPECT_LE(samples(testing::Noise::stalls), 20);
  EXPECT_LE(samples(testing::Noise::ramp), 24);
}

TEST(StoppingRule, WaitsLongerWhereSamplesAreCorrelated) {
  const auto row = testing::coverage(testing::Noise::correlated, 200, without_caps());
  EXPECT_GE(row.within_1_percent, 0.70);
  EXPECT_GE(row.median_samples, 60);
}

// R10
TEST(StoppingRule, CutsAScriptedRampAndFinishesWithinTwentySamples) {
  StoppingRule rule(without_caps());
  const std::vector<double> ramp = {17, 12, 10.6};
  testing::Series steady(testing::Noise::normal_1, 3);
  int fed = 0;
  for (const double time : ramp) {
    rule.add(token(time));
    ++fed;
  }
  while (!rule.is_finished() && fed < 1000) {
    rule.add(token(10 + (steady.next() - 10) / 2));
    ++fed;
  }
  const Summary summary = rule.summary().value();
  EXPECT_LE(fed, 20);
  EXPECT_EQ(summary.reason, StopReason::precision);
  EXPECT_GE(summary.warm_up_cut, 2U);
  EXPECT_NEAR(summary.ms_per_token.value, 10, 0.1);
}

TEST(StoppingRule, StopsAfterTwoWarmUpsTwelveSamplesAndTwoMorePassesOnPerfectTimes) {
  StoppingRule rule;
  int fed = 0;
  while (!rule.is_finished()) {
    rule.add(token(5));
    ++fed;
  }
  EXPECT_EQ(fed, 16);
  const Summary summary = rule.summary().value();
  EXPECT_EQ(summary.reason, StopReason::precision);
  EXPECT_EQ(summary.samples, 14U);
  EXPECT_EQ(summary.warm_up_cut, 2U);
  EXPECT_DOUBLE_EQ(summary.relative_half_width, 0);
  EXPECT_DOUBLE_EQ(summary.target_half_width, 0.01);
}

TEST(StoppingRule, MeetsTheTargetItSaysItMet) {
  for (const auto noise : testing::kEveryNoise) {
    const Summary summary = testing::run_rule(noise, 5, without_caps());
    if (summary.reason != StopReason::precision) continue;
    EXPECT_LE(summary.relative_half_width, 0.01) << testing::name_of(noise);
    EXPECT_GE(summary.samples, 12U);
  }
}

TEST(StoppingRule, PassesThreeTimesInARow) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    StoppingRule rule(without_caps());
    testing::Series source(testing::Noise::normal_3, seed);
    std::vector<bool> passed;
    while (!rule.is_finished()) {
      rule.add(token(source.next()));
      const Summary now = rule.summary().value();
      passed.push_back(now.samples >= 12 && now.relative_half_width <= 0.01);
    }
    if (passed.size() > 100) continue;  // from there on not every sample is a check
    EXPECT_TRUE(std::all_of(passed.end() - 3, passed.end(), [](bool pass) { return pass; }))
        << seed;
  }
}

TEST(StoppingRule, StopsAtTheTimeCapByTheSumOfDurations) {
  StoppingOptions options;
  options.max_seconds = 2;
  StoppingRule rule(options);
  rule.add(Sample{0, 1500, 1});
  EXPECT_FALSE(rule.is_finished());
  rule.add(Sample{0, 600, 1});
  EXPECT_TRUE(rule.is_finished());
  const Summary summary = rule.summary().value();
  EXPECT_EQ(summary.reason, StopReason::time_cap);
  EXPECT_EQ(summary.samples, 2U);
  EXPECT_GT(summary.relative_half_width, 0.5);
}

TEST(StoppingRule, StopsAtTheTimeCapByTheWorkersClock) {
  StoppingOptions options;
  options.max_seconds = 2;
  StoppingRule rule(options);
  rule.add(Sample{50'000, 10, 1});
  EXPECT_FALSE(rule.is_finished());
  rule.add(Sample{52'100, 10, 1});
  EXPECT_TRUE(rule.is_finished());
}

// Samples of 3.7 s and a cap of 8: a third one would end at 11.1, further from the cap than 7.4.
TEST(StoppingRule, LongSamplesEndAsNearToTheCapAsTheyCan) {
  StoppingOptions options;
  options.max_seconds = 8;
  StoppingRule rule(options);
  rule.add(token(3700));
  EXPECT_FALSE(rule.is_finished()) << "one sample says nothing of its spread";
  rule.add(token(3700));
  EXPECT_TRUE(rule.is_finished());
  EXPECT_EQ(rule.summary()->reason, StopReason::time_cap);
}

// 3 % noise reaches 1 % after about 60 samples, 2 % after about 20.
TEST(StoppingRule, TakesTheFewestSamplesAsLongAsItMayBeExtended) {
  StoppingOptions options;
  options.max_seconds = 5;
  options.fewest_samples = 8;
  options.extended_seconds = 12;
  const auto taken = [&](double seconds_each) {
    StoppingRule rule(options);
    std::uint32_t count = 0;
    for (; !rule.is_finished(); ++count) {
      rule.add({count * seconds_each * 1e3, seconds_each * 1e3, 1});
    }
    return count;
  };
  EXPECT_EQ(taken(1), 8U);
  EXPECT_EQ(taken(3), 4U);
  EXPECT_EQ(taken(0.5), 10U) << "enough within the time itself";
}

TEST(StoppingRule, AfterAThirdOfTheTimeTwiceTheTargetIsEnough) {
  const auto samples_with = [](double max_seconds) {
    StoppingOptions options;
    options.max_seconds = max_seconds;
    StoppingRule rule(options);
    testing::Series source(testing::Noise::normal_3, 5);
    while (!rule.is_finished()) rule.add(token(source.next()));
    return rule.summary().value();
  };
  const Summary patient = samples_with(1e6);
  EXPECT_EQ(patient.reason, StopReason::precision);
  const Summary hasty = samples_with(0.75);  // a third of it is 25 samples of 10 ms
  EXPECT_EQ(hasty.reason, StopReason::time_cap);
  EXPECT_LT(hasty.samples, patient.samples);
  EXPECT_LE(hasty.relative_half_width, 0.02);
  EXPECT_GT(hasty.relative_half_width, 0.01);
}

TEST(StoppingRule, StopsAtTheSampleCap) {
  StoppingOptions options;
  options.max_samples = 40;
  StoppingRule rule(options);
  int fed = 0;
  while (!rule.is_finished()) {
    rule.add(token(fed % 2 == 0 ? 5 : 9));
    ++fed;
  }
  EXPECT_EQ(fed, 40);
  EXPECT_EQ(rule.summary()->reason, StopReason::sample_cap);
}

// 3 % noise around 10 ms.
Summary summary_against(double rival_ms, std::uint64_t seed) {
  StoppingOptions options = without_caps();
  options.rival_ms = rival_ms;
  StoppingRule rule(options);
  testing::Series source(testing::Noise::normal_3, seed);
  while (!rule.is_finished()) rule.add(token(source.next()));
  return rule.summary().value();
}

TEST(StoppingRule, WhatIsPlainlySlowerThanItsRivalIsSoonKnownWellEnough) {
  const Summary alone = summary_against(0, 7);
  const Summary outrun = summary_against(5, 7);
  EXPECT_EQ(alone.reason, StopReason::precision);
  EXPECT_EQ(outrun.reason, StopReason::outrun);
  EXPECT_LT(outrun.samples, alone.samples / 2);
  EXPECT_LE(outrun.relative_half_width, kOutrunHalfWidth);
  EXPECT_GE(outrun.samples, StoppingOptions{}.min_samples);
}

TEST(StoppingRule, ARivalThatMayStillBeBeatenChangesNothing) {
  for (const double rival_ms : {9.8, 10.0, 12.0, 40.0}) {
    const Summary alone = summary_against(0, 3);
    const Summary raced = summary_against(rival_ms, 3);
    EXPECT_EQ(raced.reason, StopReason::precision) << rival_ms;
    EXPECT_EQ(raced.samples, alone.samples) << rival_ms;
  }
}

TEST(StoppingRule, WhoIsOutrunIsHardlyEverTheFaster) {
  int outrun = 0;
  int wrong = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    for (const double truth : {0.97, 1.02, 1.06, 1.1}) {
      StoppingOptions options = without_caps();
      options.rival_ms = 10;
      StoppingRule rule(options);
      testing::Series source(testing::Noise::normal_3, seed);
      while (!rule.is_finished()) rule.add(token(truth * source.next()));
      if (rule.summary()->reason != StopReason::outrun) continue;
      ++outrun;
      if (truth < 1) ++wrong;
    }
  }
  EXPECT_GT(outrun, 400);
  EXPECT_LE(wrong, 4);
}

TEST(StoppingRule, OneSampleGivesAnIntervalThatClaimsNothing) {
  const Summary summary = summary_on({8});
  EXPECT_EQ(summary.samples, 1U);
  EXPECT_DOUBLE_EQ(summary.ms_per_token.low, 4);
  EXPECT_DOUBLE_EQ(summary.ms_per_token.high, 16);
}

TEST(StoppingRule, HasNoSummaryOfNothing) {
  EXPECT_EQ(StoppingRule().summary().reason(), "no samples");
}

TEST(StoppingRule, DividesABatchByItsTokens) {
  StoppingRule rule;
  rule.add(Sample{0, 512, 128});
  EXPECT_DOUBLE_EQ(rule.summary()->ms_per_token.value, 4);
}

TEST(StoppingRule, RefusesWhatIsNotATimePerToken) {
  StoppingRule rule;
  EXPECT_FALSE(rule.add(token(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_FALSE(rule.add(token(std::numeric_limits<double>::infinity())));
  EXPECT_FALSE(rule.add(token(-1)));
  EXPECT_FALSE(rule.add(Sample{0, 1, 0}));
  EXPECT_FALSE(rule.summary());
}

TEST(StoppingRule, NeverCallsATimerThatDoesNotTickPrecise) {
  StoppingOptions options;
  options.max_samples = 100;
  StoppingRule rule(options);
  while (!rule.is_finished()) rule.add(token(0));
  EXPECT_EQ(rule.summary()->reason, StopReason::sample_cap);
}

TEST(StoppingRule, CopesWithACoarseTimer) {
  StoppingRule rule;
  testing::Series source(testing::Noise::normal_3, 11);
  while (!rule.is_finished()) rule.add(token(std::round(source.next() * 2) / 2));
  EXPECT_EQ(rule.summary()->reason, StopReason::precision);
  EXPECT_NEAR(rule.summary()->ms_per_token.value, 10, 0.5);
}

TEST(StoppingRule, IsTheSameForTheSameSeries) {
  const Summary once = testing::run_rule(testing::Noise::normal_3, 9, without_caps());
  const Summary again = testing::run_rule(testing::Noise::normal_3, 9, without_caps());
  EXPECT_EQ(once.samples, again.samples);
  EXPECT_EQ(once.ms_per_token.value, again.ms_per_token.value);
}

}  // namespace
}  // namespace sweetspot::measure
