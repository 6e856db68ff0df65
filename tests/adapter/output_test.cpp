#include "adapter/output.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sweetspot::adapter {
namespace {

std::vector<TokenLogprob> ranked(std::initializer_list<std::pair<int, double>> probabilities) {
  std::vector<TokenLogprob> tokens;
  for (const auto& [id, p] : probabilities) tokens.push_back({id, std::log(p)});
  return tokens;
}

TEST(Compare, AlikeRankingsDoNotDiverge) {
  const auto a = ranked({{1, 0.6}, {2, 0.35}});
  const auto compared = compare(a, a);
  ASSERT_TRUE(compared);
  EXPECT_NEAR(compared->divergence, 0, 1e-12);
  EXPECT_TRUE(compared->same_top);
}

TEST(Compare, IsTheDivergenceOfTheBins) {
  const auto compared =
      compare(ranked({{1, 0.6}, {2, 0.3}, {3, 0.1}}), ranked({{2, 0.5}, {1, 0.4}, {3, 0.1}}));
  ASSERT_TRUE(compared);
  EXPECT_NEAR(compared->divergence, 0.6 * std::log(0.6 / 0.4) + 0.3 * std::log(0.3 / 0.5), 1e-9);
  EXPECT_FALSE(compared->same_top);
}

// Two whole distributions of four tokens, of which the lists end after three.
TEST(Compare, NeverSaysMoreThanTheWholeDivergence) {
  const double whole = 0.5 * std::log(0.5 / 0.3) + 0.3 * std::log(0.3 / 0.4) +
                       0.15 * std::log(0.15 / 0.1) + 0.05 * std::log(0.05 / 0.2);
  const auto compared =
      compare(ranked({{1, 0.5}, {2, 0.3}, {3, 0.15}}), ranked({{2, 0.4}, {1, 0.3}, {3, 0.1}}));
  ASSERT_TRUE(compared);
  EXPECT_LE(compared->divergence, whole + 1e-12);
  EXPECT_GT(compared->divergence, 0.5 * whole);
}

TEST(Compare, SaysNothingWhereTheListsHoldTooLittle) {
  EXPECT_FALSE(compare(ranked({{1, 0.5}, {2, 0.3}}), ranked({{1, 0.5}, {2, 0.3}})));
  EXPECT_FALSE(compare(ranked({{1, 0.95}}), ranked({{2, 0.95}})));
  EXPECT_FALSE(compare({}, {}));
}

}  // namespace
}  // namespace sweetspot::adapter
