#include "search/decisions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::search {
namespace {

using testing::DoubleEq;
using testing::Each;
using testing::Optional;

TEST(OddsOf, TheFastestOfTheMeasuredOnAverageWins) {
  // In most worlds candidate 1 is faster, but by less than it loses in the last.
  const Worlds worlds = {{10, 9}, {10, 9}, {10, 13}};
  const Odds odds = odds_of({"all", {0, 1}, {}}, worlds, 2, 0.02);
  EXPECT_THAT(odds.winner, Optional(0U));
  EXPECT_DOUBLE_EQ(odds.doubt, 0) << "nothing is open";
}

TEST(OddsOf, DoubtIsTheShareOfWorldsThatAnOpenOneWinsByMoreThanTheTolerance) {
  const Worlds worlds = {
      {10, 8, 12},     // 1 wins by 20 %
      {10, 9.9, 12},   // by 1 %: no reason to try it
      {10, 12, 7},     // 2 wins by 30 %
      {10, 11, 10.5},  // neither
  };
  const Odds odds = odds_of({"all", {0}, {1, 2}}, worlds, 3, 0.02);
  EXPECT_THAT(odds.winner, Optional(0U));
  EXPECT_DOUBLE_EQ(odds.doubt, 0.5);
  ASSERT_EQ(odds.gain.size(), 3U);
  EXPECT_DOUBLE_EQ(odds.gain[0], 0);
  EXPECT_NEAR(odds.gain[1], (0.2 + 0.01) / 4, 1e-12);
  EXPECT_NEAR(odds.gain[2], 0.3 / 4, 1e-12);
}

TEST(OddsOf, WithNothingMeasuredEverythingIsInDoubt) {
  const Worlds worlds = {{5, 6}, {5, 6}, {5, 6}, {7, 6}};
  const Odds odds = odds_of({"all", {}, {0, 1}}, worlds, 2, 0.02);
  EXPECT_FALSE(odds.winner);
  EXPECT_DOUBLE_EQ(odds.doubt, 1);
  EXPECT_THAT(odds.gain, testing::ElementsAre(DoubleEq(0.75), DoubleEq(0.25)));
}

TEST(OddsOf, AnEmptyContestIsSettledWithoutAWinner) {
  const Odds odds = odds_of({"none", {}, {}}, {{1}, {2}}, 1, 0.02);
  EXPECT_FALSE(odds.winner);
  EXPECT_DOUBLE_EQ(odds.doubt, 0);
  EXPECT_THAT(odds.gain, Each(0));
}

TEST(OddsOf, OutsidersDoNotCount) {
  const Worlds worlds = {{10, 1, 9.95}};
  const Odds odds = odds_of({"band", {0}, {2}}, worlds, 3, 0.02);
  EXPECT_THAT(odds.winner, Optional(0U));
  EXPECT_DOUBLE_EQ(odds.doubt, 0);
  EXPECT_DOUBLE_EQ(odds.gain[1], 0);
}

TEST(WorthOfMeasuring, IsWhatAnOpenMemberMayGain) {
  // The second may be 10 % faster or slower than the winner, the third never is faster.
  const Worlds worlds = {{100, 90, 120}, {100, 110, 120}};
  const auto worth = worth_of_measuring({"", {0}, {1, 2}}, worlds, 3, 0.001);
  EXPECT_NEAR(worth[1], 0.05, 0.02) << "a tenth in every second world, and what it tells";
  EXPECT_DOUBLE_EQ(worth[0], 0);
  EXPECT_DOUBLE_EQ(worth[2], 0);
}

TEST(WorthOfMeasuring, CountsWhatAMemberTellsOfItsNeighbours) {
  // The second never wins by itself, but where it is fast the third is faster than the first.
  const Worlds worlds = {{100, 101, 80}, {100, 121, 120}};
  const auto worth = worth_of_measuring({"", {0}, {1, 2}}, worlds, 3, 0.001);
  EXPECT_GT(worth[1], 0);
  EXPECT_LT(worth[1], worth[2]);
}

TEST(WorthOfMeasuring, ANoisyMeasurementTellsLessOfOthers) {
  const Worlds worlds = {{100, 101, 80}, {100, 121, 120}};
  const Contest contest{"", {0}, {1, 2}};
  EXPECT_GT(worth_of_measuring(contest, worlds, 3, 0.001)[1],
            2 * worth_of_measuring(contest, worlds, 3, 0.3)[1]);
}

TEST(WorthOfMeasuring, WithNothingMeasuredOrNothingOpenThereIsNone) {
  EXPECT_EQ(worth_of_measuring({"", {}, {0, 1}}, {{1, 2}}, 2, 0.01), std::vector<double>(2, 0));
  EXPECT_EQ(worth_of_measuring({"", {0, 1}, {}}, {{1, 2}}, 2, 0.01), std::vector<double>(2, 0));
}

TEST(DiminishingRange, IsWhereNoFurtherLayerPays) {
  // Speed gained per layer: 25 %, 14 %, 1 %, 1 %.
  const std::vector<double> world = {100, 80, 70, 69.3, 68.6};
  const auto range = diminishing_range({world, world}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4}, 0.02);
  EXPECT_EQ(range, std::pair(2, 2));
}

TEST(DiminishingRange, CountsPerLayerNotPerTrial) {
  // 10 layers together gain 11 %: each about 1 %.
  const auto few = diminishing_range({{100, 90}}, {0, 1}, {0, 10}, 0.02);
  EXPECT_EQ(few, std::pair(0, 0));
  const auto many = diminishing_range({{100, 90}}, {0, 1}, {0, 2}, 0.02);
  EXPECT_EQ(many, std::pair(2, 2));
}

TEST(DiminishingRange, ALateGainOutweighsAFlatStretch) {
  const auto range = diminishing_range({{100, 100, 100, 80}}, {0, 1, 2, 3}, {0, 1, 2, 3}, 0.02);
  EXPECT_EQ(range, std::pair(3, 3));
}

TEST(DiminishingRange, SpansTheWorldsWithoutTheirRarestTails) {
  const std::vector<double> early = {100, 80, 80, 80};
  const std::vector<double> late = {100, 80, 60, 40};
  Worlds worlds(100, early);
  worlds.back() = late;  // one in a hundred
  const std::vector<std::size_t> members = {0, 1, 2, 3};
  EXPECT_EQ(diminishing_range(worlds, members, {0, 1, 2, 3}, 0.02), std::pair(1, 1));
  for (std::size_t i = 50; i < 100; ++i) worlds[i] = late;
  EXPECT_EQ(diminishing_range(worlds, members, {0, 1, 2, 3}, 0.02), std::pair(1, 3));
}

TEST(DiminishingRange, LooksAtItsMembersOnly) {
  // Candidate 1 did not run: what it might gain does not count.
  const auto range = diminishing_range({{100, 1, 99}}, {0, 2}, {0, 1, 2}, 0.02);
  EXPECT_EQ(range, std::pair(0, 0));
}

}  // namespace
}  // namespace sweetspot::search
