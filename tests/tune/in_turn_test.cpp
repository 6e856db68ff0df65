#include "tune/in_turn.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

/// Two configs on a machine whose speed swings by a fifth; a turn takes a third of a second.
struct Shaking {
  double ratio = 1;
  double noise = 0.02;
  double seconds = 0;
  std::mt19937_64 random{1};

  double ms(double quiet_ms) {
    const double drift = 1 + 0.1 * std::sin(2 * std::numbers::pi * seconds / 60);
    seconds += 0.15;
    return quiet_ms * drift * (1 + std::normal_distribution<double>(0, noise)(random));
  }
  /// What the judge made of them, and how many turns of each pass it took.
  Turns play(InTurn& judge) {
    for (bool baseline_first = true; const auto pass = judge.next();
         baseline_first = !baseline_first) {
      double baseline = baseline_first ? ms(20 * ratio) : 0;
      const double winner = ms(20);
      if (!baseline_first) baseline = ms(20 * ratio);
      judge.add(*pass, baseline, winner, 0.3);
    }
    return judge.turns();
  }
};

TEST(InTurn, FindsOneInTwentyWhereSpeedsSwingByAFifth) {
  int found = 0;
  int wrong = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    Shaking apart{1.05, 0.02, seed * 7.0, std::mt19937_64(seed)};
    InTurn judge(test::rules(), 80);
    found += speed_up_of(apart.play(judge), test::rules())->low > 1 ? 1 : 0;
    Shaking level{1, 0.02, seed * 7.0, std::mt19937_64(seed)};
    InTurn other(test::rules(), 80);
    wrong += speed_up_of(level.play(other), test::rules())->low > 1 ? 1 : 0;
  }
  EXPECT_GE(found, 95);
  EXPECT_LE(wrong, 5);
}

// One generates faster, the other reads prompts faster, and both take as long for a request. Turns
// of prompts take seconds; were all of them made before the generation, the machine would have
// changed its speed in between, and one of the two parts would seem to weigh more.
TEST(InTurn, WhatDriftsBetweenThePassesIsNoDifference) {
  constexpr int kSeeds = 200;
  const double tokens_per_prompt_token =
      test::rules().workload.n_gen / static_cast<double>(test::rules().n_prompt());
  int wrong = 0;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Shaking machine{1, 0.01, seed * 7.0, std::mt19937_64(seed)};
    InTurn judge(test::rules(), 80);
    for (int turn = 0; const auto pass = judge.next(); ++turn) {
      const bool is_prompt = *pass == Pass::prompt;
      const double begin = machine.seconds;
      const auto held = [&](double ms, double takes) {
        const double took = machine.ms(ms);
        machine.seconds += takes - 0.15;
        return took;
      };
      const double baseline = is_prompt ? held(1, 0.5) : held(28, 0.15);
      const double winner = is_prompt ? held(1 + 8 * tokens_per_prompt_token, 1.5) : held(20, 0.15);
      judge.add(*pass, baseline, winner, machine.seconds - begin);
    }
    const auto ratio = speed_up_of(judge.turns(), test::rules());
    wrong += ratio->low > 1 || ratio->high < 1 ? 1 : 0;
  }
  EXPECT_LE(wrong, kSeeds / 20);
}

TEST(InTurn, EndsSoonWhereOneIsFarAhead) {
  Shaking apart{1.5};
  InTurn judge(test::rules(), 80);
  const Turns turns = apart.play(judge);
  EXPECT_EQ(turns.generation.size(), 8U);
  EXPECT_EQ(turns.prompt.size(), 4U);
}

TEST(InTurn, SlowPromptsTakeNoMoreGenerationsThanAreNeeded) {
  InTurn judge(test::rules(), 80);
  while (const auto pass = judge.next()) {
    judge.add(*pass, 30, 20, *pass == Pass::prompt ? 3 : 0.3);
  }
  EXPECT_EQ(judge.turns().generation.size(), 8U);
  EXPECT_EQ(judge.turns().prompt.size(), 4U);
}

TEST(InTurn, EndsWithinTheToleranceWithoutUsingAllTheTime) {
  Shaking level{1, 0.005};
  InTurn judge(test::rules(), 1000);
  level.play(judge);
  EXPECT_LT(judge.share_of_time(), 0.5);
}

TEST(InTurn, EndsWhenTheTimeIsUpButNotBeforeTheFewestTurns) {
  Shaking noisy{1.02, 0.2};
  InTurn judge(test::rules(), 30);
  noisy.play(judge);
  EXPECT_GE(judge.share_of_time(), 1);
  InTurn none(test::rules(), 0);
  EXPECT_EQ(noisy.play(none).generation.size(), 8U);
}

TEST(InTurn, OnlyWhatCountsIsTimed) {
  Rules rules = test::rules();
  rules.objective = Objective::generation;
  Shaking apart{1.2};
  InTurn judge(rules, 80);
  EXPECT_EQ(apart.play(judge).prompt.size(), 0U);
  rules.objective = Objective::prompt;
  InTurn prompts(rules, 80);
  EXPECT_EQ(apart.play(prompts).generation.size(), 0U);
}

TEST(InTurn, AStallOfOneTurnChangesLittle) {
  Turns turns;
  for (int i = 0; i < 20; ++i) {
    turns.generation.baseline_ms.push_back(i == 7 ? 200 : 22);
    turns.generation.winner_ms.push_back(20);
  }
  Rules rules = test::rules();
  rules.objective = Objective::generation;
  EXPECT_NEAR(speed_up_of(turns, rules)->value, 1.1, 0.001);
  EXPECT_FALSE(speed_up_of(turns, test::rules())) << "no prompt yet";
}

}  // namespace
}  // namespace sweetspot::tune
