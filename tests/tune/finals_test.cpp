#include "tune/finals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using test::config_of;
using test::rules;
using test::tell;
using test::trial_of;

const Config kDefaults = config_of(5);
const Config kWinner = config_of(9);

struct Played {
  std::vector<std::string> titles;
  std::vector<TuneRound> rounds;
  std::optional<Estimate> speed_up;
  Arms arms;
};

// `measured`: the n-th trial of the finals, the 0th of each config before them.
Played play_trials(const std::function<Trial(const Config&, std::size_t)>& measured,
                   const TuneConstraints& constraints = {}) {
  Played played;
  const auto told = [&](const Config& config, std::size_t n, Extent extent) {
    Trial trial = measured(config, n);
    trial.extent = extent;
    played.arms.tell(trial, played.titles.size(), Objective::request, constraints, Again::last);
    return trial;
  };
  told(kDefaults, 0, Extent::speeds);
  told(kWinner, 0, Extent::speeds);
  Finals finals(kDefaults, rules());
  std::optional<Placement> loaded = kWinner.placement;
  while (const auto step = finals.ask(played.arms, loaded)) {
    played.titles.push_back(step->title);
    const std::optional<double> usual = played.arms.find(step->config)->least_cost;
    const Trial trial = told(step->config, played.titles.size(), step->extent);
    finals.tell(trial, *played.arms.find(step->config), played.titles.size(), usual);
    loaded = step->config.placement;
    if (played.titles.size() > 40) break;
  }
  played.rounds = finals.rounds();
  played.speed_up = finals.speed_up();
  return played;
}

// `ms` of the n-th trial. `objection`: the defaults take too much memory.
Played play(const std::function<double(const Config&, std::size_t)>& ms, bool objection = false,
            double precision = 0.01) {
  TuneConstraints constraints;
  if (objection) constraints.max_vram_percent = 60;
  const auto measured = [&](const Config& config, std::size_t n) {
    Trial trial = trial_of(config, ms(config, n), 1, precision);
    if (config == kDefaults && objection) trial.vram_percent = 70.0;
    return trial;
  };
  return play_trials(measured, constraints);
}

TEST(Finals, AClearWinnerTakesTwoRounds) {
  const Played played =
      play([](const Config& config, std::size_t) { return config == kWinner ? 18.0 : 20.0; });
  EXPECT_EQ(played.rounds.size(), 2U);
  EXPECT_GT(played.speed_up->low, 1);
}

TEST(Finals, DefaultsThatMustNotBeUsedAreMeasuredOnce) {
  const Played played =
      play([](const Config& config, std::size_t) { return config == kWinner ? 22.0 : 20.0; }, true);
  EXPECT_EQ(played.rounds.size(), 1U);
  EXPECT_THAT(played.titles,
              testing::ElementsAre("final round 1: the winner", "final round 1: the defaults"));
}

TEST(Finals, WhereTheWinnerIsAheadButNotForSureMoreRoundsAreSpent) {
  // 3 % ahead on average, and rounds that differ.
  const auto ahead = [](const Config& config, std::size_t n) {
    if (config != kWinner) return 20.0;
    return n % 4 == 1 ? 18.9 : 19.7;
  };
  EXPECT_GT(play(ahead, false, 0.06).rounds.size(), 3U);
  const auto level = [](const Config&, std::size_t n) { return n % 4 == 1 ? 19.8 : 20.0; };
  EXPECT_LE(play(level, false, 0.06).rounds.size(), 3U) << "nothing to be gained";
}

TEST(Finals, TwoRoundsOfTwoPromptsTellATenthApart) {
  const auto played_with = [](double difference) {
    return play_trials([&](const Config& config, std::size_t) {
      const double ms = config == kWinner ? 1.8 : 2.0;
      Trial trial = trial_of(config, 20, ms, 0.6);
      trial.generation = trial_of(config, 20, ms).generation;
      trial.prompt->samples = 2;
      for (const double sign : {-1.0, 1.0}) {
        trial.prompt->raw.push_back({0, (ms + sign * difference / 2) * 1024, 1024});
      }
      return trial;
    });
  };
  const Played close = played_with(0.04);
  EXPECT_EQ(close.rounds.size(), 2U);
  EXPECT_GT(close.speed_up->low, 1);
  EXPECT_GT(played_with(0.5).rounds.size(), 2U) << "samples that lie far apart tell less";
}

TEST(Finals, WhereTheMachineVariesRoundsCountAsTheyCome) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> noise(0, 0.08);
    const Played played =
        play([&](const Config& config,
                 std::size_t) { return (config == kWinner ? 16.0 : 20.0) * noise(random); },
             false, 0.03);
    EXPECT_GE(played.rounds.size(), 2U) << seed;
    EXPECT_LE(played.titles.size(), 20U) << seed;
    ASSERT_TRUE(played.speed_up) << seed;
    EXPECT_GT(played.speed_up->high, 1.1) << seed;
  }
}

TEST(Finals, ATrialFarSlowerThanBeforeIsMeasuredAgain) {
  const Played played = play([](const Config& config, std::size_t n) {
    if (n == 3) return 60.0;  // the first trial of the second round
    return config == kWinner ? 18.0 : 20.0;
  });
  EXPECT_EQ(played.titles.size(), 5U);
  EXPECT_EQ(played.titles[2], played.titles[3]);
  for (const TuneRound& round : played.rounds) EXPECT_GT(round.speed_up, 1.05);
}

TEST(Finals, ANeighbourWhoStaysForAWhileLeavesNoRoundBehind) {
  const Played played = play([](const Config& config, std::size_t n) {
    if (n >= 1 && n <= 6 && config == kWinner) return 60.0;
    return config == kWinner ? 18.0 : 20.0;
  });
  EXPECT_EQ(played.rounds.size(), 2U);
  EXPECT_NEAR(played.speed_up->value, 1.07, 0.01);
  ASSERT_GT(played.titles.size(), 3U);
  EXPECT_EQ(played.titles[2], played.titles[0]) << "twice more";
  EXPECT_THAT(played.titles[3], testing::HasSubstr("the defaults")) << "a load gives him time";
  EXPECT_LE(played.titles.size(), 20U) << "it ends";
}

}  // namespace
}  // namespace sweetspot::tune
