#include "worker/next_token.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

namespace sweetspot::worker {
namespace {

NextTokens of(std::initializer_list<std::array<float, 3>> rows) {
  NextTokens tokens;
  tokens.vocab = 3;
  for (const auto& row : rows) tokens.add(row);
  return tokens;
}

float log_of(double p) { return static_cast<float>(std::log(p)); }

TEST(NextTokens, AddTurnsLogitsIntoLogarithmsOfProbabilities) {
  const NextTokens tokens = of({{1000, 1001, 999}, {0, 0, 0}});
  ASSERT_EQ(tokens.positions(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    double sum = 0;
    for (const float value : tokens.row(i)) sum += std::exp(static_cast<double>(value));
    EXPECT_NEAR(sum, 1, 1e-6);
  }
  EXPECT_NEAR(tokens.row(1)[0], std::log(1.0 / 3), 1e-6);
  EXPECT_NEAR(tokens.row(0)[1] - tokens.row(0)[0], 1, 1e-4);
}

TEST(Divergence, OfTheSameIsZero) {
  const NextTokens tokens = of({{1, 2, 3}, {-5, 0, 5}});
  const Divergence none = divergence_of(tokens, tokens);
  EXPECT_EQ(none.mean, 0);
  EXPECT_EQ(none.max, 0);
  EXPECT_EQ(none.same_top, 1);
}

// D(p || q) for p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2): 1/2 ln 2 - 1/4 ln 2.
TEST(Divergence, IsKullbackAndLeiblers) {
  const NextTokens p = of({{log_of(0.5), log_of(0.25), log_of(0.25)}});
  const NextTokens q = of({{log_of(0.25), log_of(0.25), log_of(0.5)}});
  const Divergence found = divergence_of(p, q);
  EXPECT_NEAR(found.mean, std::log(2) / 4, 1e-6);
  EXPECT_EQ(found.mean, found.max);
  EXPECT_EQ(found.p99, found.max);
  EXPECT_EQ(found.same_top, 0);
}

TEST(Divergence, P99LeavesOutOneInAHundred) {
  NextTokens reference;
  NextTokens current;
  reference.vocab = current.vocab = 3;
  for (int i = 0; i < 100; ++i) {
    reference.add(std::array{3.F, 0.F, 0.F});
    current.add(i == 7 ? std::array{0.F, 3.F, 0.F} : std::array{3.F, 0.1F, 0.F});
  }
  const Divergence found = divergence_of(reference, current);
  EXPECT_LT(found.p99, 0.01);
  EXPECT_GT(found.max, 1);
  EXPECT_NEAR(found.same_top, 0.99, 1e-12);
}

}  // namespace
}  // namespace sweetspot::worker
