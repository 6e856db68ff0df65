#include "profiles/analyse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "profiles/trials.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::ElementsAre;
using testing::failed_trial;
using ::testing::IsEmpty;
using testing::recorded_trials;
using testing::trial;

TEST(Analyse, ReadsTheRecordedTable) {
  const Analysis analysis = analyse(recorded_trials(), Bands{});
  EXPECT_EQ(analysis.optimum, 4U) << "40 and 43 layers are above 85 %";
  EXPECT_EQ(analysis.fastest, 6U);
  EXPECT_NEAR(analysis.speed_up_over_cpu.value(), 32.5 / 12.5, 1e-9);
  EXPECT_NEAR(analysis.vram_bytes_per_layer.value(), 114e6, 3e6);
  EXPECT_EQ(analysis.diminishing_after_layers.value(), 35);
  EXPECT_DOUBLE_EQ(analysis.temperature_rise_c.value(), 13);
  EXPECT_THAT(analysis.tied_with_optimum, IsEmpty());
}

TEST(Analyse, DoesNotDependOnTheOrderOfTheTrials) {
  auto trials = recorded_trials();
  std::reverse(trials.begin(), trials.end());
  const Analysis analysis = analyse(trials, Bands{});
  EXPECT_EQ(analysis.optimum, 2U);
  EXPECT_EQ(analysis.fastest, 0U);
  EXPECT_EQ(analysis.diminishing_after_layers.value(), 35);
}

TEST(Analyse, ATieGoesToLessMemoryAndIsListed) {
  const Analysis analysis =
      analyse({trial(0, 5, 10), trial(28, 60, 30.0), trial(30, 66, 30.2)}, Bands{});
  EXPECT_EQ(analysis.optimum, 1U);
  EXPECT_THAT(analysis.tied_with_optimum, ElementsAre(2));
  EXPECT_EQ(analysis.fastest, 2U);
}

TEST(Analyse, AFailureAtFullDepthIsNoOptimum) {
  std::vector<Trial> trials = {trial(10, 40, 20), trial(20, 60, 30)};
  trials[1].full_depth = FullDepth::failed;
  const Analysis analysis = analyse(trials, Bands{});
  EXPECT_EQ(analysis.optimum, 0U);
  EXPECT_EQ(analysis.fastest, 1U);
}

TEST(Analyse, WithoutAGpuTheCpuIsTheOptimum) {
  auto cpu = trial(0, 0, 12);
  cpu.vram_percent = Absence{"no device to offload to"};
  const Analysis analysis = analyse({cpu}, Bands{});
  EXPECT_EQ(analysis.optimum, 0U);
  EXPECT_DOUBLE_EQ(analysis.speed_up_over_cpu.value(), 1);
}

TEST(Analyse, SaysWhyWhereThereIsNothing) {
  const Analysis analysis = analyse({failed_trial(0, FailureClass::crashed)}, Bands{});
  EXPECT_FALSE(analysis.optimum);
  EXPECT_FALSE(analysis.fastest);
  EXPECT_EQ(analysis.speed_up_over_cpu.reason(), "no measured configuration is safe");
  EXPECT_EQ(analysis.vram_bytes_per_layer.reason(), "needs two layer counts above 0");
  EXPECT_EQ(analysis.diminishing_after_layers.reason(), "needs two measured layer counts");
  EXPECT_EQ(analysis.temperature_rise_c.reason(), "not read");
}

TEST(Analyse, SpeedUpNeedsTheCpu) {
  EXPECT_EQ(analyse({trial(10, 40, 20)}, Bands{}).speed_up_over_cpu.reason(),
            "0 layers were not measured");
}

TEST(Analyse, MemoryPerLayerPassesOnWhyItIsMissing) {
  auto blind = trial(10, 40, 20);
  blind.vram_used_bytes = Absence{"the driver was silent"};
  EXPECT_EQ(analyse({blind}, Bands{}).vram_bytes_per_layer.reason(), "the driver was silent");
  EXPECT_EQ(analyse({trial(10, 40, 20), trial(20, 40, 30)}, Bands{}).vram_bytes_per_layer.reason(),
            "memory does not grow with the layers");
}

TEST(DiminishingAfter, JudgesAStretchByItsLastLayer) {
  // From 10 layers on 0.9 ms a layer: 1.8 % of the 49.1 ms after the first, 2.2 % of the last 41
  // ms.
  const auto trials = {trial(0, 1, 10), trial(10, 20, 20), trial(20, 40, 1000.0 / 41)};
  const Analysis analysis = analyse(trials, Bands{});
  EXPECT_EQ(analysis.diminishing_after_layers.reason(),
            "up to 20 layers the last one still gains 2 % or more");
}

TEST(DiminishingAfter, IsWhereTheCurveTurnsFlat) {
  EXPECT_EQ(analyse({trial(0, 1, 10), trial(10, 20, 20), trial(20, 40, 21)}, Bands{})
                .diminishing_after_layers.value(),
            10);
}

TEST(DiminishingAfter, IsTheFirstCountWhereNoLayerIsWorthIt) {
  EXPECT_EQ(analyse({trial(0, 1, 20), trial(10, 20, 20), trial(20, 40, 19)}, Bands{})
                .diminishing_after_layers.value(),
            0);
}

TEST(DiminishingAfter, IgnoresWhatSpilled) {
  EXPECT_EQ(analyse({trial(0, 1, 10), trial(10, 20, 20), trial(20, 40, 21), trial(25, 50, 3),
                     trial(30, 60, 6)},
                    Bands{})
                .diminishing_after_layers.value(),
            10);
}

// The CPU alone was measured beside a neighbour, all others without: sevenfold was no speed-up.
TEST(Analyse, AReferenceThatWasSlowedDownIsNoReference) {
  auto starved = trial(0, 0, 2.5);
  starved.mark_contended(Contended::processor);
  const auto alone = analyse({starved, trial(20, 50, 17)}, Bands{});
  ASSERT_FALSE(alone.speed_up_over_cpu);
  EXPECT_EQ(alone.speed_up_over_cpu.reason(),
            "0 layers were measured while other programs took the machine's time");
  const auto anew = analyse({starved, trial(20, 50, 17), trial(0, 0, 13)}, Bands{});
  EXPECT_DOUBLE_EQ(anew.speed_up_over_cpu.value_or(0), 17.0 / 13);
}

TEST(Analyse, WhereEverythingWasSlowedDownAlikeTheRatioIsSaid) {
  auto starved = trial(0, 0, 2.5);
  auto offloaded = trial(20, 50, 5);
  starved.mark_contended(Contended::processor);
  offloaded.mark_contended(Contended::processor);
  EXPECT_DOUBLE_EQ(analyse({starved, offloaded}, Bands{}).speed_up_over_cpu.value_or(0), 2);
}

TEST(Analyse, WhatIsTooUncertainIsNeitherFastestNorReferenceNorOnTheCurve) {
  const auto analysis =
      analyse({trial(0, 0, 2.37, 2.1), trial(10, 30, 90, 0.7), trial(20, 50, 17)}, Bands{});
  EXPECT_EQ(analysis.optimum, 2U);
  EXPECT_EQ(analysis.fastest, 2U);
  ASSERT_FALSE(analysis.speed_up_over_cpu);
  EXPECT_EQ(analysis.speed_up_over_cpu.reason(), "the speed with 0 layers is too uncertain");
  EXPECT_FALSE(analysis.diminishing_after_layers);
}

}  // namespace
}  // namespace sweetspot::profiles
