#include "profiles/derive.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "profiles/trials.hpp"

namespace sweetspot::profiles {
namespace {

using testing::failed_trial;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::recorded_trials;
using testing::trial;

constexpr int kAllLayers = 33;

Profile find(const std::vector<Profile>& profiles, const std::string& name) {
  for (const Profile& profile : profiles) {
    if (profile.name == name) return profile;
  }
  ADD_FAILURE() << "no profile " << name;
  return {};
}

Profile derived(const std::vector<Trial>& trials, const std::string& name, Bands bands = {}) {
  return find(derive(trials, bands, kAllLayers), name);
}

TEST(Derive, FollowsTheRuleWhereTheNoteDidNot) {
  const auto profiles = derive(recorded_trials(), Bands{}, 43);
  ASSERT_EQ(profiles.size(), 4U);
  EXPECT_EQ(find(profiles, "fast").n_gpu_layers, 20);
  EXPECT_EQ(find(profiles, "balanced").n_gpu_layers, 30);
  const Profile performance = find(profiles, "performance");
  EXPECT_EQ(performance.n_gpu_layers, 35);
  EXPECT_DOUBLE_EQ(performance.vram_percent.value(), 76);
  EXPECT_DOUBLE_EQ(performance.tokens_per_second.value(), 32.5);
  EXPECT_EQ(performance.result_index, 4U);
  EXPECT_EQ(find(profiles, "cpu_fallback").n_gpu_layers, 0);
}

TEST(Derive, PutsTheBandsEndsWhereTheyBelong) {
  const std::vector<Trial> trials = {trial(1, 49.99, 10), trial(2, 50, 20), trial(3, 69.99, 30),
                                     trial(4, 70, 40),    trial(5, 85, 50), trial(6, 85.01, 60)};
  EXPECT_EQ(derived(trials, "fast").n_gpu_layers, 1);
  EXPECT_EQ(derived(trials, "balanced").n_gpu_layers, 3);
  EXPECT_EQ(derived(trials, "performance").n_gpu_layers, 5);
  EXPECT_EQ(derived({trial(2, 50, 20)}, "balanced").n_gpu_layers, 2);
  EXPECT_EQ(derived({trial(4, 70, 40)}, "performance").n_gpu_layers, 4);
}

TEST(Derive, UsesTheBandsItIsGiven) {
  EXPECT_EQ(derived(recorded_trials(), "performance", Bands{50, 70, 88}).n_gpu_layers, 40);
}

TEST(Derive, TakesTheSettingsThatWereReallyUsed) {
  auto measured = trial(5, 40, 20);
  measured.config.context.n_ctx = 4000;
  measured.config.context.n_batch = 512;
  EXPECT_EQ(derived({measured}, "fast").n_ctx, 4000U);
  measured.effective = EffectiveConfig{};
  measured.effective->n_ctx = 4096;
  measured.effective->n_batch = 256;
  EXPECT_EQ(derived({measured}, "fast").n_ctx, 4096U);
  EXPECT_EQ(derived({measured}, "fast").n_batch, 256U);
}

TEST(Derive, SaysWhatIsNearestToAnEmptyBand) {
  const std::vector<Trial> trials = {trial(0, 5, 10), trial(24, 45.1, 20),
                                     trial(kAllLayers, 78, 30)};
  const Profile balanced = derived(trials, "balanced");
  EXPECT_FALSE(balanced.result_index);
  EXPECT_EQ(balanced.reason,
            "no measured configuration uses 50-70 % of the memory: the nearest are 24 layers at "
            "45.1 % and all 33 layers at 78.0 %");
  EXPECT_FALSE(balanced.vram_percent);
  EXPECT_FALSE(balanced.tokens_per_second);
}

TEST(Derive, SaysWhatIsNearestOnOneSide) {
  EXPECT_EQ(
      derived({trial(1, 90, 10)}, "fast").reason,
      "no measured configuration uses less than 50 % of the memory: the nearest is 1 layer at "
      "90.0 %");
}

TEST(Derive, NamesTheObjectionWhereABandHoldsOnlyUnsafeTrials) {
  auto shallow = trial(24, 55, 20);
  shallow.full_depth = FullDepth::failed;
  EXPECT_EQ(
      derived({shallow}, "balanced").reason,
      "no configuration that uses 50-70 % of the memory can be recommended: 24 layers at 55.0 "
      "% failed with the whole context in use");
}

TEST(Derive, PassesOnWhyMemoryIsNotKnown) {
  auto blind = trial(5, 0, 20);
  blind.vram_percent = Absence{"the device reports no total"};
  EXPECT_THAT(derived({blind}, "fast").reason, HasSubstr("the device reports no total"));
}

TEST(Derive, SaysSoWhereNothingWasMeasured) {
  EXPECT_EQ(derived({}, "fast").reason, "nothing could be measured");
  EXPECT_EQ(derived({}, "cpu_fallback").reason, "0 layers were not asked for");
  EXPECT_EQ(derived({failed_trial(0, FailureClass::crashed)}, "cpu_fallback").reason,
            "the CPU alone could not be measured");
}

TEST(Derive, NeverRecommendsASpill) {
  const std::vector<Trial> trials = {trial(20, 45, 30), trial(24, 60, 8)};
  EXPECT_THAT(derived(trials, "balanced").reason, HasSubstr("spilled"));
}

TEST(Derive, ADisturbedTrialIsRecommendedWithItsLabel) {
  auto hot = trial(24, 60, 30);
  hot.mark(Disturbance::throttled);
  auto shared = trial(20, 45, 20);
  shared.mark(Disturbance::contended);
  EXPECT_EQ(derived({shared, hot}, "balanced").n_gpu_layers, 24);
  EXPECT_THAT(derived({shared, hot}, "balanced").recommended_for, HasSubstr("throttled"));
  EXPECT_THAT(derived({shared, hot}, "fast").recommended_for, HasSubstr("others used"));
}

TEST(Derive, ATieGoesToLessMemory) {
  EXPECT_EQ(derived({trial(27, 62, 30.0), trial(30, 66, 30.2)}, "balanced").n_gpu_layers, 27);
}

TEST(Derive, NoLayersBesideADeviceAreNotTheFallback) {
  auto beside = trial(0, 12, 11);
  beside.config.placement.devices.clear();
  EXPECT_EQ(derived({beside, trial(10, 30, 20)}, "cpu_fallback").reason,
            "0 layers were not asked for");
  const auto profiles = derive({trial(0, 0, 10), beside}, Bands{}, kAllLayers);
  EXPECT_EQ(profiles.at(3).result_index, 0U) << "however fast the other one is";
  EXPECT_EQ(profiles.at(0).result_index, 1U);
}

TEST(Derive, TheCpuMayBeFastAndSaysSo) {
  const Profile fast = derived({trial(0, 3, 30), trial(10, 30, 20)}, "fast");
  EXPECT_EQ(fast.n_gpu_layers, 0);
  EXPECT_THAT(fast.recommended_for, HasSubstr("the CPU alone is the fastest"));
}

TEST(Derive, SaysWhoEachProfileIsFor) {
  for (const Profile& profile : derive({}, Bands{}, kAllLayers)) {
    EXPECT_FALSE(profile.recommended_for.empty()) << profile.name;
    EXPECT_FALSE(profile.reason.empty()) << profile.name;
  }
}

Trial arbitrary_trial() {
  auto made = trial(*rc::gen::inRange(0, 34), *rc::gen::inRange(0, 1100) / 10.0,
                    *rc::gen::inRange(1, 100), *rc::gen::inRange(0, 20) / 100.0);
  made.full_depth = *rc::gen::element(FullDepth::verified, FullDepth::failed, FullDepth::not_tried);
  if (*rc::gen::arbitrary<bool>()) made.vram_percent = Absence{"scripted"};
  if (*rc::gen::inRange(0, 5) == 0) made = failed_trial(made.layers, FailureClass::crashed);
  return made;
}

bool in_band(const Profile& profile, double percent) {
  if (profile.name == "fast") return percent < 50;
  if (profile.name == "balanced") return percent >= 50 && percent < 70;
  return percent >= 70 && percent <= 85;
}

RC_GTEST_PROP(Derive, NeverRecommendsOutsideTheBandOrWithoutProof, ()) {
  std::vector<Trial> trials(*rc::gen::inRange<std::size_t>(0, 12));
  for (Trial& one : trials) one = arbitrary_trial();
  for (const Profile& profile : derive(trials, Bands{}, kAllLayers)) {
    RC_ASSERT(profile.result_index.has_value() == profile.reason.empty());
    if (!profile.result_index) continue;
    const Trial& proof = trials.at(*profile.result_index);
    RC_ASSERT(proof.measured());
    RC_ASSERT(proof.full_depth == FullDepth::verified);
    RC_ASSERT(proof.layers == profile.n_gpu_layers);
    if (profile.name == "cpu_fallback") {
      RC_ASSERT(profile.n_gpu_layers == 0);
    } else {
      RC_ASSERT(in_band(profile, *proof.vram_percent));
    }
  }
}

std::vector<Decision> decide(const std::string& name, int layers) {
  Decision decision;
  decision.name = name;
  decision.layers = layers;
  return {decision};
}

TEST(Derive, WhatASweepDecidedIsTheProfile) {
  const std::vector<Trial> trials = {trial(0, 0, 10), trial(20, 60, 30), trial(22, 66, 30.2)};
  const auto balanced = [&](const std::vector<Decision>& decided) {
    return find(derive(trials, Bands{}, kAllLayers, decided), "balanced").n_gpu_layers;
  };
  EXPECT_EQ(balanced({}), 20) << "a tie";
  EXPECT_EQ(balanced(decide("balanced", 22)), 22);
  EXPECT_EQ(balanced(decide("balanced", 20)), 20);
  EXPECT_EQ(balanced(decide("fast", 22)), 20) << "another question";
  EXPECT_EQ(balanced(decide("balanced", 25)), 20) << "nobody measured it";
}

TEST(Derive, WhatASweepDecidedIsNeverWhatMustNotBeRecommended) {
  std::vector<Trial> trials = {trial(20, 60, 30), trial(22, 66, 40)};
  trials[1].mark(Disturbance::spilled);
  const auto profiles = derive(trials, Bands{}, kAllLayers, decide("balanced", 22));
  EXPECT_EQ(find(profiles, "balanced").n_gpu_layers, 20);
}

TEST(Derive, ZeroLayersBesideADeviceStayWhereTheyRankFirst) {
  Trial beside = trial(0, 5, 12);
  beside.config.placement = Placement{};
  beside.config.placement.n_gpu_layers = 0;
  std::vector<Trial> trials = {trial(0, 0, 10), beside, trial(5, 20, 9)};
  const auto fast = [&] {
    return find(derive(trials, Bands{}, kAllLayers, decide("fast", 5)), "fast").result_index;
  };
  EXPECT_EQ(fast(), 1U);
  trials[2] = trial(5, 20, 11.9);
  EXPECT_EQ(fast(), 2U) << "a tie: the sweep knows more of it than these two speeds";
}

TEST(Derive, AProfileThatIsSlowerThanOneWithLessMemorySaysSo) {
  const auto profiles =
      derive({trial(0, 0, 10), trial(12, 40, 30), trial(20, 60, 20), trial(30, 80, 40)}, Bands{},
             kAllLayers);
  EXPECT_THAT(find(profiles, "balanced").recommended_for,
              HasSubstr("slower than fast, which takes less memory"));
  EXPECT_THAT(find(profiles, "performance").recommended_for, Not(HasSubstr("slower than")));
  EXPECT_THAT(find(profiles, "fast").recommended_for, Not(HasSubstr("slower than")));
}

}  // namespace
}  // namespace sweetspot::profiles
