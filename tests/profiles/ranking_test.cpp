#include "profiles/ranking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

#include "profiles/trials.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::trial;

std::vector<std::size_t> all_of(const std::vector<Trial>& trials) {
  std::vector<std::size_t> indexes(trials.size());
  std::iota(indexes.begin(), indexes.end(), 0U);
  return indexes;
}

Ranking ranked(const std::vector<Trial>& trials) { return rank(trials, all_of(trials)).value(); }

TEST(IsTie, NeedsOverlapAndNearness) {
  EXPECT_TRUE(is_tie({100, 99, 101}, {100.5, 99.5, 101.5}));
  EXPECT_TRUE(is_tie({100.5, 99.5, 101.5}, {100, 99, 101}));
  EXPECT_FALSE(is_tie({100, 99, 101}, {103, 102, 104}));
  EXPECT_FALSE(is_tie({100, 50, 200}, {110, 60, 220})) << "too far apart to be waved away";
}

// A sweep loses 2 % at most; a tie must not lose more.
TEST(IsTie, IsNoLooserThanWhatASweepTolerates) {
  EXPECT_FALSE(is_tie({35.3, 33, 37}, {34.2, 32, 36}));
  EXPECT_TRUE(is_tie({35.3, 33, 37}, {34.7, 33, 36}));
}

TEST(Rank, TheFastestWins) {
  const Ranking ranking = ranked({trial(0, 5, 10), trial(9, 60, 30), trial(5, 30, 20)});
  EXPECT_EQ(ranking.chosen, 1U);
  EXPECT_THAT(ranking.tied, IsEmpty());
}

TEST(Rank, ATieGoesToLessMemory) {
  const Ranking ranking = ranked({trial(8, 70, 30.1), trial(9, 60, 30.0)});
  EXPECT_EQ(ranking.fastest, 0U);
  EXPECT_EQ(ranking.chosen, 1U);
  EXPECT_THAT(ranking.tied, ElementsAre(0));
}

TEST(Rank, ATieOfEqualMemoryGoesToFewerLayers) {
  EXPECT_EQ(ranked({trial(9, 60, 30.1), trial(8, 60, 30.0)}).chosen, 1U);
}

TEST(Rank, UnknownMemoryLosesATie) {
  auto unknown = trial(3, 0, 30);
  unknown.vram_used_bytes = Absence{"not supported"};
  unknown.vram_percent = Absence{"not supported"};
  EXPECT_EQ(ranked({unknown, trial(9, 60, 30.1)}).chosen, 1U);
}

TEST(Rank, OfNothingIsNothing) { EXPECT_FALSE(rank({}, {})); }

/// A speed as the stopping rule leaves it: median known to 1 % at 95 %, estimate off accordingly.
Estimate as_measured(double truth, std::mt19937_64& random) {
  const auto uniform = [&] { return (static_cast<double>(random() >> 11U) + 0.5) * 0x1.0p-53; };
  const double normal =
      std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
  const double value = truth * (1 + 0.01 / 1.96 * normal);
  return {value, value * 0.99, value * 1.01};
}

// R12
TEST(Rank, HalfAPercentIsATieAndTenPercentIsNot) {
  std::mt19937_64 random(1);
  int ties = 0;
  int right = 0;
  for (int run = 0; run < 1000; ++run) {
    if (is_tie(as_measured(100, random), as_measured(100.5, random))) ++ties;
    std::vector<Trial> pair = {trial(1, 10, 100), trial(2, 20, 110)};
    pair[0].generation->tokens_per_second = as_measured(100, random);
    pair[1].generation->tokens_per_second = as_measured(110, random);
    if (ranked(pair).chosen == 1) ++right;
  }
  EXPECT_GE(ties, 900);
  EXPECT_GE(right, 990);
}

}  // namespace
}  // namespace sweetspot::profiles
