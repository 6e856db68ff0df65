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

struct PlayedFinals {
  std::vector<std::string> titles;
  std::vector<TuneRound> rounds;
  std::optional<Estimate> speed_up;
  Arms arms;
};

// `measured`: the n-th trial of the finals, the 0th of each config before them.
PlayedFinals play_trials(const std::function<Trial(const Config&, std::size_t)>& measured,
                         const TuneConstraints& constraints = {}) {
  PlayedFinals played;
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
PlayedFinals play(const std::function<double(const Config&, std::size_t)>& ms,
                  bool objection = false, double precision = 0.01) {
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
  const PlayedFinals played =
      play([](const Config& config, std::size_t) { return config == kWinner ? 18.0 : 20.0; });
  EXPECT_EQ(played.rounds.size(), 2U);
  EXPECT_GT(played.speed_up->low, 1);
}

TEST(Finals, DefaultsThatMustNotBeUsedAreNotLoadedAgain) {
  const PlayedFinals played =
      play([](const Config& config, std::size_t) { return config == kWinner ? 22.0 : 20.0; }, true);
  EXPECT_EQ(played.rounds.size(), 0U);
  EXPECT_THAT(played.titles, testing::ElementsAre("the winner, in full"));
}

TEST(Finals, DefaultsThatWereOnlyMeasuredTooLooselyAreMeasuredInTurn) {
  const PlayedFinals played = play_trials([](const Config& config, std::size_t n) {
    const bool loose = config == kDefaults && n == 0;
    return trial_of(config, config == kWinner ? 18 : 20, 1, loose ? 0.8 : 0.01);
  });
  EXPECT_GE(played.rounds.size(), 2U);
  ASSERT_TRUE(played.speed_up);
  EXPECT_GT(played.speed_up->low, 1.03);
}

TEST(Finals, DefaultsThatAreOutsideAreNotMeasuredInTurnHoweverLoosely) {
  TuneConstraints constraints;
  constraints.max_vram_percent = 60;
  const PlayedFinals played = play_trials(
      [](const Config& config, std::size_t) {
        Trial trial = trial_of(config, 20, 1, config == kDefaults ? 0.8 : 0.01);
        if (config == kDefaults) trial.vram_percent = 70.0;
        return trial;
      },
      constraints);
  EXPECT_EQ(played.rounds.size(), 0U);
  EXPECT_EQ(played.arms.find(kDefaults)->objection.find("uncertain"), std::string::npos);
}

TEST(Finals, AFinalistThatIsKnownToHaveSpilledGivesWayToTheNext) {
  const Config next = config_of(7);
  Arms arms;
  tell(arms, trial_of(kDefaults, 20, 1));
  tell(arms, trial_of(kWinner, 16, 1));
  tell(arms, trial_of(next, 18, 1));
  Finals finals(kDefaults, rules());
  ASSERT_TRUE(finals.ask(arms, kWinner.placement));
  ASSERT_EQ(finals.finalist(), kWinner);
  finals.know_spilled(next);
  EXPECT_EQ(finals.finalist(), kWinner) << "of another one";
  arms.know_spilled(kWinner, Objective::request);
  finals.know_spilled(kWinner);
  EXPECT_FALSE(finals.finalist());
  ASSERT_TRUE(finals.ask(arms, kWinner.placement));
  EXPECT_EQ(finals.finalist(), next);
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
  const PlayedFinals close = played_with(0.04);
  EXPECT_EQ(close.rounds.size(), 2U);
  EXPECT_GT(close.speed_up->low, 1);
  EXPECT_GT(played_with(0.5).rounds.size(), 2U) << "samples that lie far apart tell less";
}

TEST(Finals, WhereTheMachineVariesRoundsCountAsTheyCome) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> noise(0, 0.08);
    const PlayedFinals played =
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
  const PlayedFinals played = play([](const Config& config, std::size_t n) {
    if (n == 3) return 60.0;  // the first trial of the second round
    return config == kWinner ? 18.0 : 20.0;
  });
  EXPECT_EQ(played.titles.size(), 5U);
  EXPECT_EQ(played.titles[2], played.titles[3]);
  for (const TuneRound& round : played.rounds) EXPECT_GT(round.speed_up, 1.05);
}

TEST(Finals, ANeighbourWhoStaysForAWhileLeavesNoRoundBehind) {
  const PlayedFinals played = play([](const Config& config, std::size_t n) {
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

/// Finals of two that have room at once. `taken`: what comes of the n-th turns.
struct PlayedTurns {
  std::vector<Step> steps;
  std::optional<Estimate> speed_up;
  std::vector<TuneRound> rounds;
};

Turns turns_of(double ratio) {
  Turns turns;
  for (int i = 0; i < 16; ++i) {
    for (PassTurns* pass : {&turns.generation, &turns.prompt}) {
      pass->winner_ms.push_back(20);
      pass->baseline_ms.push_back(20 * ratio * (i % 2 == 0 ? 1.002 : 0.998));
    }
  }
  return turns;
}

// `completed`: the winner is loaded as its last trial left it.
PlayedTurns play_with_turns(const std::function<std::optional<Turns>(std::size_t)>& taken,
                            Rules rules = test::rules(), bool completed = false) {
  rules.host_free_bytes = std::uint64_t{1} << 40;
  Arms arms;
  const auto told = [&](const Config& config, Extent extent) {
    Trial trial = trial_of(config, config == kWinner ? 20 : 21, 1);
    trial.vram_percent = 40.0;
    trial.memory = {{kHostDeviceId, 1000, 0, 0, 0}};
    for (auto* speed : {&trial.generation, &trial.prompt}) (*speed)->joules_per_token = 1.0;
    trial.extent = extent;
    tell(arms, trial);
    return trial;
  };
  told(kDefaults, Extent::speeds);
  told(kWinner, Extent::speeds);
  Finals finals(kDefaults, rules);
  PlayedTurns played;
  std::optional<Placement> loaded = kWinner.placement;
  std::size_t number = 0;
  while (const auto step = finals.ask(arms, loaded)) {
    played.steps.push_back(*step);
    if (played.steps.size() > 20) break;
    const std::optional<double> usual = arms.find(step->config)->least_cost;
    const Trial trial = told(step->config, step->extent);
    const std::size_t index = completed && step->completes ? 1 : 1 + played.steps.size();
    finals.tell(trial, *arms.find(step->config), index, usual);
    loaded = step->config.placement;
    if (step->in_turn_with) finals.tell_turns(taken(number++), 0);
  }
  played.speed_up = finals.speed_up();
  played.rounds = finals.rounds();
  return played;
}

TEST(Finals, OneRoundOfTurnsIsEnough) {
  const PlayedTurns played = play_with_turns([](std::size_t) { return turns_of(1.05); });
  ASSERT_EQ(played.steps.size(), 1U);
  EXPECT_EQ(played.steps[0].in_turn_with, kDefaults);
  EXPECT_EQ(played.steps[0].extent, Extent::full) << "what is recommended held its whole context";
  ASSERT_EQ(played.rounds.size(), 1U);
  EXPECT_TRUE(played.rounds[0].turns);
  EXPECT_GT(played.speed_up->low, 1.03);
  EXPECT_LT(played.speed_up->high, 1.07);
}

TEST(Finals, TurnsThatContradictWhatWasMeasuredBeforeAreTakenOnceMore) {
  // 5 % ahead in all that was measured, 40 % behind in turns: somebody sat on the processor.
  const PlayedTurns gone =
      play_with_turns([](std::size_t number) { return turns_of(number == 0 ? 0.6 : 1.05); });
  ASSERT_GE(gone.steps.size(), 2U);
  EXPECT_TRUE(gone.steps[1].loads_anew);
  EXPECT_LE(gone.speed_up->low, 1) << "two rounds that differ so much say nothing";
  const PlayedTurns real = play_with_turns([](std::size_t) { return turns_of(1.3); });
  EXPECT_EQ(real.rounds.size(), 2U);
  EXPECT_GT(real.speed_up->low, 1.2);
}

TEST(Finals, WhereNothingIsAheadInTurnsItEnds) {
  const PlayedTurns played = play_with_turns([](std::size_t) { return turns_of(1.002); });
  EXPECT_LE(played.rounds.size(), 2U);
  EXPECT_LE(played.speed_up->low, 1);
}

TEST(Finals, WhereTurnsCannotBeTakenRoundsGoOnWithTheWinnersTrial) {
  const PlayedTurns played = play_with_turns([](std::size_t) { return std::optional<Turns>(); });
  ASSERT_GE(played.steps.size(), 4U);
  EXPECT_EQ(played.steps[0].config, kWinner);
  EXPECT_EQ(played.steps[1].config, kDefaults) << "the winner's trial was half of a round";
  for (std::size_t i = 1; i < played.steps.size(); ++i) EXPECT_FALSE(played.steps[i].in_turn_with);
  EXPECT_GE(played.rounds.size(), 2U);
}

TEST(Finals, TheTrialThatMadeItTheWinnerIsHalfOfNoRound) {
  const auto nothing = [](std::size_t) { return std::optional<Turns>(); };
  const PlayedTurns played = play_with_turns(nothing, test::rules(), /*completed=*/true);
  ASSERT_GE(played.steps.size(), 3U);
  EXPECT_TRUE(played.steps[0].completes);
  EXPECT_EQ(played.steps[1].config, kWinner) << "it was lucky, or it would not be the winner";
  EXPECT_FALSE(played.steps[1].completes);
  EXPECT_EQ(played.steps[2].config, kDefaults);
}

TEST(Finals, JoulesAreNotMeasuredInTurns) {
  Rules rules = test::rules();
  rules.objective = Objective::energy;
  EXPECT_FALSE(play_with_turns({}, rules).steps.front().in_turn_with);
}

}  // namespace
}  // namespace sweetspot::tune
