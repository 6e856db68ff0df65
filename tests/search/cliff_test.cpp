#include "search/cliff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/curve.hpp"

namespace sweetspot::search {
namespace {

using test::Line;
using test::uniform_model;
using testing::Optional;

struct Known {
  int layers = 0;
  Estimate ms;
};

Known known(int layers, double ms, double relative = 0.01) {
  return {layers, {ms, ms * (1 - relative), ms * (1 + relative)}};
}

// 32 blocks on a line, so many of them known.
std::vector<Known> on_line(const std::vector<int>& counts) {
  std::vector<Known> all;
  for (const int layers : counts) all.push_back(known(layers, Line{}.ms(layers)));
  return all;
}

bool falls(const std::vector<Known>& below, const Known& count) {
  const LayerShape shape(uniform_model(32));
  const auto speed = [&](const Known& one) {
    return KnownSpeed{shape.features(one.layers), one.layers > 0, {one.ms}};
  };
  std::vector<KnownSpeed> speeds;
  for (const Known& one : below) speeds.push_back(speed(one));
  const auto prior = [&](double scale_ms) { return shape.prior(scale_ms); };
  return falls_off(prior, speeds, speed(count), 0.02);
}

TEST(FallsOff, WhatLiesOnTheLineDoesNot) {
  EXPECT_FALSE(falls(on_line({0, 10, 16}), known(22, Line{}.ms(22))));
  EXPECT_FALSE(falls(on_line({0}), known(22, Line{}.ms(22))));
  EXPECT_FALSE(falls({}, known(22, 50)));
}

TEST(FallsOff, AFallToHalfTheSpeedDoesAndSoDoesOneByATenthWhereALineIsKnown) {
  EXPECT_TRUE(falls(on_line({0, 10, 16}), known(22, 2.1 * Line{}.ms(16))));
  EXPECT_TRUE(falls(on_line({0, 10, 16, 20}), known(22, 1.09 * Line{}.ms(20))));
}

TEST(FallsOff, OfTwoThatAreKnownOneMustBePlainlyFaster) {
  EXPECT_FALSE(falls(on_line({0, 16}), known(22, 1.05 * Line{}.ms(16))));
  EXPECT_TRUE(falls(on_line({0, 16}), known(22, 1.2 * Line{}.ms(16))));
}

// Each layer costs, and nothing can be said of the last one.
TEST(FallsOff, WhereTheDeviceIsSlowerThanTheCpuNothingDoes) {
  EXPECT_FALSE(falls({known(0, 20), known(8, 40), known(16, 60)}, known(30, 100)));
  EXPECT_FALSE(falls({known(0, 20), known(1, 19.9), known(16, 60)}, known(30, 100)))
      << "as fast as the CPU alone is not faster";
}

TEST(IsBend, WhatGrowsFromTheLastGoodCountOnIsOneAndAJumpIsNot) {
  EXPECT_TRUE(is_bend(CountMs{24, 50}, {{29, 62.5}, {34, 75}}));
  EXPECT_FALSE(is_bend(CountMs{54, 80}, {{59, 237}, {65, 224}}));
  EXPECT_FALSE(is_bend(CountMs{26, 14.5}, {{27, 46.5}, {30, 72}}));
  EXPECT_FALSE(is_bend(CountMs{24, 50}, {{34, 75}})) << "of one nobody can tell";
}

TEST(Together, EachLoadCountsTheSameAndTheIntervalHoldsAll) {
  const Estimate both = together({{10, 9, 11}, {12, 11.5, 12.5}});
  EXPECT_DOUBLE_EQ(both.value, 11);
  EXPECT_DOUBLE_EQ(both.low, 9);
  EXPECT_DOUBLE_EQ(both.high, 12.5);
  EXPECT_EQ(together({{10, 9, 11}}), (Estimate{10, 9, 11}));
}

TEST(MiddleOf, HalvesTheGapWithWhatIsOpen) {
  EXPECT_THAT(middle_of({50, 64}, {51, 52, 57, 63}), Optional(57));
  EXPECT_THAT(middle_of({50, 52}, {51}), Optional(51));
  EXPECT_FALSE(middle_of({50, 51}, {49, 52}));
}

}  // namespace
}  // namespace sweetspot::search
