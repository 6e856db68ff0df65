#include "tune/cliffs.hpp"

#include <gtest/gtest.h>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using test::config_of;
using test::rules;
using test::trial_of;

constexpr int kCliffBlocks = 30;
constexpr int kAllLayers = kCliffBlocks + 1;

class CliffsTest : public testing::Test {
 protected:
  void measure(const Config& config, double generation_ms, double gb = 5) {
    Trial trial = trial_of(config, generation_ms, generation_ms / 20, 0.003);
    trial.vram_used_bytes = static_cast<std::uint64_t>(gb * 1e9);
    test::tell(arms_, trial);
  }

  // All layers, with so many feed-forwards on the CPU: a line from 60 ms with all of them there.
  void measure_kept(int kept, double times_the_line = 1) {
    measure(config_of(kAllLayers, kept), times_the_line * (10 + kept * 50.0 / kCliffBlocks),
            10 - kept / 5.0);
  }

  [[nodiscard]] Cliffs cliffs() const { return {arms_.all(), shape_, rules()}; }

  Arms arms_;
  PlacementShape shape_{uniform_model(kCliffBlocks)};
};

const Reading<std::uint64_t> kNotAskedBytes = Absence{"not asked"};

TEST_F(CliffsTest, WhatIsSlowerWithMoreOnTheDeviceIsNotLearntFromAndTheGapIsHalved) {
  measure(config_of(0), 100);
  measure_kept(30);
  measure_kept(10, 6);
  const Cliffs known = cliffs();
  EXPECT_TRUE(known.is_off(config_of(kAllLayers, 10).placement));
  EXPECT_FALSE(known.is_off(config_of(kAllLayers, 30).placement));
  EXPECT_EQ(known.learnt_from(arms_.all()).size(), 2U);
  EXPECT_TRUE(known.is_in_gap(config_of(kAllLayers, 20).placement));
  EXPECT_FALSE(known.is_closed(config_of(kAllLayers, 5).placement, kNotAskedBytes))
      << "it was seen once";
  const std::vector<Config> points = {config_of(kAllLayers, 25), config_of(kAllLayers, 19),
                                      config_of(kAllLayers, 12)};
  EXPECT_EQ(known.halved(2, points, {0, 1, 2}), 1U);
}

TEST_F(CliffsTest, TwoOfThemCloseAllThatTakesAsMuch) {
  measure(config_of(0), 100);
  measure_kept(30);
  measure_kept(20);
  measure_kept(10, 8);
  measure_kept(5, 6);
  const Cliffs known = cliffs();
  EXPECT_TRUE(known.is_closed(config_of(kAllLayers, 7).placement, kNotAskedBytes));
  EXPECT_FALSE(known.is_closed(config_of(kAllLayers, 11).placement, kNotAskedBytes));
  EXPECT_TRUE(known.is_closed(config_of(20).placement, std::uint64_t{8'500'000'000}))
      << "other parts of the model, and as much memory";
  EXPECT_FALSE(known.is_closed(config_of(20).placement, std::uint64_t{7'000'000'000}));
}

TEST_F(CliffsTest, OneOnTheCurveBehindItShowsThatItWasNone) {
  measure(config_of(0), 100);
  measure_kept(30);
  measure_kept(20, 3);
  measure_kept(10);
  EXPECT_FALSE(cliffs().is_off(config_of(kAllLayers, 20).placement));
}

// Whole layers of a mixture are slower than all layers without experts, whatever memory they take.
TEST_F(CliffsTest, WhatIsNoPartOfItIsNothingToBeHeldAgainst) {
  measure(config_of(0), 100);
  measure_kept(30);
  measure(config_of(20), 75);
  EXPECT_FALSE(cliffs().is_off(config_of(20).placement));
}

TEST_F(CliffsTest, WhereThereIsOneWhatTakesMoreThanTheGoodAndBringsNothingIsDoubtful) {
  measure(config_of(0), 100);
  measure(config_of(20), 120, 8);
  measure_kept(30);
  EXPECT_FALSE(cliffs().is_off(config_of(20).placement));
  measure_kept(10, 6);
  EXPECT_TRUE(cliffs().is_off(config_of(20).placement));
}

TEST_F(CliffsTest, AnotherContextIsNothingToBeHeldAgainst) {
  measure(config_of(0), 100);
  measure_kept(30);
  ContextSettings host;
  host.kv_offload = false;
  measure(config_of(kAllLayers, 10, host), 90);
  EXPECT_FALSE(cliffs().is_off(config_of(kAllLayers, 10).placement));
}

TEST_F(CliffsTest, WhatIsCalledSpilledClosesAtOnce) {
  measure(config_of(0), 100);
  measure_kept(30);
  Trial spilled = trial_of(config_of(kAllLayers, 10), 30, 2);
  spilled.mark(Disturbance::spilled);
  test::tell(arms_, spilled);
  EXPECT_TRUE(cliffs().is_off(config_of(kAllLayers, 10).placement));
  EXPECT_TRUE(cliffs().is_closed(config_of(kAllLayers, 5).placement, kNotAskedBytes));
}

}  // namespace
}  // namespace sweetspot::tune
