#include "compare/comparison.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "golden/sample_run.hpp"

namespace sweetspot::compare {
namespace {

using testing::Contains;
using testing::Field;
using testing::IsEmpty;

Estimate around(double value, double half_width) {
  return {value, value * (1 - half_width), value * (1 + half_width)};
}

sweetspot::Run slower_by(double factor) {
  sweetspot::Run run = tests::mission_run();
  for (Trial& trial : run.results) {
    for (std::optional<Speed>* speed : {&trial.generation, &trial.prompt}) {
      if (!*speed) continue;
      Estimate& rate = (*speed)->tokens_per_second;
      rate = {rate.value * factor, rate.low * factor, rate.high * factor};
    }
  }
  return run;
}

TEST(Ratio, IsOfBToA) {
  const Estimate ratio = ratio_of(around(100, 0.01), around(80, 0.01));
  EXPECT_NEAR(ratio.value, 0.8, 1e-12);
  EXPECT_LT(ratio.low, 0.8);
  EXPECT_GT(ratio.high, 0.8);
}

// Two loads of one config differ though each was measured without a doubt.
TEST(Ratio, KnowsThatLoadsDiffer) {
  const Estimate ratio = ratio_of(around(100, 0), around(103, 0));
  EXPECT_LT(ratio.low, 1);
  EXPECT_EQ(finding_of(ratio), Finding::open);
}

// A run against another of the same machine: the share of false calls, and what is found.
TEST(Ratio, CallsADifferenceThatIsNoneInAtMostOneOfTwenty) {
  std::mt19937_64 random(20261130);
  std::normal_distribution<double> loads(0, kBetweenLoads);
  std::normal_distribution<double> samples(0, 0.005);
  constexpr int kPairs = 2000;
  constexpr double kReach = 1.96 * 0.005;
  int called = 0;
  int found = 0;
  for (int i = 0; i < kPairs; ++i) {
    const auto measured = [&](double truth) {
      const double value = truth * std::exp(loads(random) + samples(random));
      return Estimate{value, value * std::exp(-kReach), value * std::exp(kReach)};
    };
    const Estimate before = measured(50);
    const Finding finding = finding_of(ratio_of(before, measured(50)));
    called += finding == Finding::faster || finding == Finding::slower;
    found += finding_of(ratio_of(before, measured(50 * 0.9))) == Finding::slower;
  }
  EXPECT_LE(called, kPairs * 6 / 100);
  EXPECT_GE(found, kPairs * 9 / 10);
}

TEST(Comparison, OfARunWithItselfFindsNothing) {
  const sweetspot::Run run = tests::mission_run();
  const Comparison comparison = compare(run, run);
  EXPECT_TRUE(comparison.same_model);
  EXPECT_THAT(comparison.differences, IsEmpty());
  ASSERT_FALSE(comparison.profiles.empty());
  for (const SpeedPair& pair : comparison.profiles) {
    EXPECT_EQ(pair.ratio.value, 1);
    EXPECT_NE(pair.finding, Finding::faster);
    EXPECT_NE(pair.finding, Finding::slower);
  }
  EXPECT_EQ(certain_loss(comparison), 0);
}

TEST(Comparison, FindsWhatIsSlower) {
  const Comparison comparison = compare(tests::mission_run(), slower_by(0.8));
  ASSERT_FALSE(comparison.profiles.empty());
  for (const SpeedPair& pair : comparison.profiles) {
    EXPECT_EQ(pair.finding, Finding::slower) << pair.what;
    EXPECT_NEAR(pair.ratio.value, 0.8, 1e-9);
  }
  EXPECT_GT(certain_loss(comparison), 0.1);
  EXPECT_LT(certain_loss(comparison), 0.2);
  EXPECT_EQ(certain_loss(compare(slower_by(0.8), tests::mission_run())), 0);
}

TEST(Comparison, SaysEachConfigOnce) {
  const sweetspot::Run run = tests::mission_run();
  const Comparison comparison = compare(run, run);
  std::size_t measured = 0;
  for (const Trial& trial : run.results) measured += trial.conclusive() ? 1U : 0U;
  std::size_t generations = 0;
  for (const SpeedPair& pair : comparison.configs) {
    generations += pair.measure == Measure::generation ? 1U : 0U;
  }
  EXPECT_GT(generations, 0U);
  EXPECT_LT(generations, measured);
}

TEST(Comparison, LeavesOutWhatFailedOrSaysNothing) {
  const sweetspot::Run run = tests::troubled_run();
  for (const SpeedPair& pair : compare(run, run).configs) {
    EXPECT_FALSE(is_uncertain(pair.a)) << pair.what;
  }
}

// A stored profile and what was found of it later.
ProfileSet stored(double tokens_per_second, std::uint64_t need_bytes) {
  SavedProfile profile;
  profile.name = "fast";
  profile.config.placement.n_gpu_layers = 20;
  profile.tokens_per_second = around(tokens_per_second, 0.005);
  profile.prompt_tokens_per_second = around(10 * tokens_per_second, 0.005);
  profile.needs = std::vector<DeviceNeed>{{"CUDA0", need_bytes}};
  profile.host_bytes = std::uint64_t{1000};
  ProfileSet set;
  set.profiles = {profile};
  set.fingerprint.llama_cpp = "build 1";
  SetDevice card;
  card.id = "CUDA0";
  card.driver_version = std::string("550.54");
  set.devices = {card};
  return set;
}

TEST(StoredProfile, ThatIsAsItWasHasLostNothing) {
  const Comparison comparison = compare(stored(50, 1000), stored(50, 1010), "fast");
  ASSERT_EQ(comparison.profiles.size(), 2U);
  EXPECT_EQ(certain_loss(comparison), 0);
  EXPECT_THAT(comparison.differences, IsEmpty());
  ASSERT_EQ(comparison.memory.size(), 2U);
  EXPECT_FALSE(takes_more(comparison.memory.front()));
}

TEST(StoredProfile, ThatIsSlowerAndLargerIsCalledSo) {
  ProfileSet now = stored(40, 1100);
  now.fingerprint.llama_cpp = "build 2";
  now.devices.front().driver_version = std::string("560.35");
  const Comparison comparison = compare(stored(50, 1000), now, "fast");
  ASSERT_EQ(comparison.profiles.size(), 2U);
  EXPECT_EQ(comparison.profiles.front().finding, Finding::slower);
  EXPECT_GT(certain_loss(comparison), 0.1);
  EXPECT_TRUE(takes_more(comparison.memory.front()));
  EXPECT_THAT(comparison.differences, Contains(Field(&Difference::what, "llama.cpp build")));
  EXPECT_THAT(comparison.differences, Contains(Field(&Difference::what, "driver of CUDA0")));
}

SpeedPair told_in_turn(double ratio) {
  return {"fast",          Measure::generation, 20, 20, around(50, 0.9),
          around(50, 0.9), around(ratio, 0.01), {}};
}

TEST(Turns, ReplaceTheRatioOfTwoLoads) {
  Comparison comparison = compare(stored(50, 1000), stored(50, 1000), "fast");
  take_ratio(comparison, told_in_turn(0.9));
  ASSERT_EQ(comparison.profiles.size(), 2U);
  EXPECT_EQ(comparison.profiles.front().finding, Finding::slower);
  EXPECT_EQ(comparison.profiles.front().a, around(50, 0.005)) << "the speed of a whole load stays";
  EXPECT_NE(comparison.profiles.back().finding, Finding::slower) << "prompts had no turns";
}

// Turns tell two apart although a load's own samples were too few, or too far apart, for a speed.
TEST(Turns, TellWhatNoLoadCouldTellByItself) {
  ProfileSet uncertain = stored(50, 1000);
  uncertain.profiles.front().tokens_per_second = Absence{"too uncertain"};
  Comparison comparison = compare(uncertain, uncertain, "fast");
  ASSERT_EQ(comparison.profiles.size(), 1U);
  take_ratio(comparison, told_in_turn(0.9));
  ASSERT_EQ(comparison.profiles.size(), 2U);
  EXPECT_EQ(comparison.profiles.back().finding, Finding::slower);
  EXPECT_GT(certain_loss(comparison), 0.08);
}

TEST(StoredProfile, ThatOneSideLacksIsNotCompared) {
  EXPECT_THAT(compare(stored(50, 1000), stored(50, 1000), "balanced").profiles, IsEmpty());
}

TEST(Differences, NameWhatChangedAround) {
  const sweetspot::Run before = tests::mission_run();
  sweetspot::Run after = before;
  after.engine.llama_build = "12000 (abc)";
  after.machine.kernel = "6.12";
  after.base_config.context.n_ubatch = 64;
  after.model.fingerprint = "another";
  ASSERT_FALSE(after.devices.empty());
  DeviceReport& card = after.devices.front();
  ASSERT_TRUE(card.status);
  DeviceStatus status = *card.status;
  status.power_limit_w = 40.0;
  status.driver_version = std::string("1.2.3");
  card.status = status;
  const std::vector<Difference> found = differences(before, after);
  const std::string id = card.device.id;
  for (const std::string& what :
       {std::string("llama.cpp build"), std::string("kernel"), std::string("n_ubatch"),
        std::string("model's contents"), "power limit of " + id, "driver of " + id}) {
    EXPECT_THAT(found, Contains(Field(&Difference::what, what)));
  }
  EXPECT_EQ(found.size(), 6U);
  EXPECT_FALSE(compare(before, after).same_model);
}

TEST(Differences, ADeviceThatIsGoneIsOne) {
  const sweetspot::Run before = tests::mission_run();
  sweetspot::Run after = before;
  after.devices.erase(after.devices.begin());
  const std::vector<Difference> found = differences(before, after);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].b, "not there");
}

// What is free, warm or busy at the moment is no difference.
TEST(Differences, IgnoreWhatIsOfTheMoment) {
  const sweetspot::Run before = tests::mission_run();
  sweetspot::Run after = before;
  after.machine.memory_available_bytes = std::uint64_t{1};
  after.devices.front().device.memory_free_bytes = std::uint64_t{1};
  DeviceStatus warm = *after.devices.front().status;
  warm.temperature_c = 99.0;
  after.devices.front().status = warm;
  after.started_at = "2027-01-01T00:00:00Z";
  EXPECT_THAT(differences(before, after), IsEmpty());
}

}  // namespace
}  // namespace sweetspot::compare
