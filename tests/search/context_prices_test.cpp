#include "search/context_prices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "search/tune_fixtures.hpp"

namespace sweetspot::search {
namespace {

using test::config_of;
using test::tell;
using test::trial_of;

constexpr int kOnDevice = 9;

TuneRules rules() {
  TuneRules one;
  one.workload = test::kWorkload;
  return one;
}

ContextSettings with(std::uint32_t n_ubatch, bool kv_offload = true) {
  ContextSettings context;
  context.n_ubatch = n_ubatch;
  context.kv_offload = kv_offload;
  return context;
}

std::optional<ContextPrice> find(const std::vector<ContextPrice>& prices,
                                 const ContextSettings& context) {
  const auto found = std::find_if(prices.begin(), prices.end(), [&](const ContextPrice& price) {
    return price.context == context;
  });
  return found == prices.end() ? std::nullopt : std::optional(*found);
}

TEST(ContextPrices, NothingIsKnownWhereTheBaseWasNotMeasured) {
  Arms arms;
  EXPECT_TRUE(prices_of(arms.all(), config_of(10), {}, rules(), kOnDevice).empty());
  tell(arms, trial_of(config_of(10, 0, with(256)), 20, 1));
  EXPECT_TRUE(prices_of(arms.all(), config_of(10, 0, with(256)), {}, rules(), kOnDevice).empty());
}

TEST(ContextPrices, PiecesLieOnALineInTheirNumber) {
  Arms arms;
  tell(arms, trial_of(config_of(10), 20, 1.0));
  tell(arms, trial_of(config_of(10, 0, with(256)), 20, 1.1));
  const auto prices = prices_of(arms.all(), config_of(10), {}, rules(), kOnDevice);
  ASSERT_TRUE(find(prices, with(256)));
  EXPECT_NEAR(find(prices, with(256))->prompt_factor, 1.1, 1e-12);
  // 1024 tokens: 2 pieces of 512, 4 of 256, 8 of 128, 16 of 64; two more cost 0.1.
  ASSERT_TRUE(find(prices, with(64)));
  EXPECT_NEAR(find(prices, with(128))->prompt_factor, 1.3, 1e-12);
  EXPECT_NEAR(find(prices, with(64))->prompt_factor, 1.7, 1e-12);
  EXPECT_NEAR(find(prices, with(64))->generation_factor, 1, 1e-12);
  EXPECT_FALSE(find(prices, with(32)));
}

TEST(ContextPrices, ACacheInHostMemoryCostsByTheBlock) {
  Arms arms;
  tell(arms, trial_of(config_of(10), 20, 1.0));
  tell(arms, trial_of(config_of(10, 0, with(256)), 20, 1.1));
  tell(arms, trial_of(config_of(10, 0, with(512, false)), 29, 1.45));
  const auto prices = prices_of(arms.all(), config_of(10), {}, rules(), kOnDevice);
  const auto both = find(prices, with(256, false));
  ASSERT_TRUE(both) << "combined with smaller pieces";
  const PassTimes times = both->at({10, 0.5}, 18);
  EXPECT_NEAR(times.generation_ms, 10 + 18, 1e-9);
  EXPECT_NEAR(times.prompt_ms, 0.5 * 1.1 + 18 * 0.05, 1e-9);
}

TEST(ContextPrices, WhatTheWalkEndedWithIsPartOfEachAndThenNotCountedTwice) {
  Arms arms;
  ContextSettings faster;
  faster.n_threads = 4;
  ContextSettings host = faster;
  host.kv_offload = false;
  tell(arms, trial_of(config_of(10), 20, 1.0));
  tell(arms, trial_of(config_of(10, 0, faster), 18, 1.0));
  tell(arms, trial_of(config_of(10, 0, host), 17.1, 1.0));
  const auto prices = prices_of(arms.all(), config_of(10, 0, host), {}, rules(), kOnDevice);
  ASSERT_TRUE(find(prices, faster));
  EXPECT_NEAR(find(prices, faster)->generation_factor, 0.9, 1e-12);
  EXPECT_NEAR(find(prices, host)->at({20, 1}, kOnDevice).generation_ms, 17.1, 1e-9);
}

}  // namespace
}  // namespace sweetspot::search
