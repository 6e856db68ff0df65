#include "search/trade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "search/tune_fixtures.hpp"

namespace sweetspot::search {
namespace {

using test::config_of;
using test::trial_of;
using test::uniform_model;

constexpr int kBlocks = 20;

// 20 blocks of which 13 fit; smaller pieces and a cache in host memory make room for more.
struct World {
  double smaller_costs = 0.02;  ///< of the prompt, each halving
  double host_ms = 0.02;        ///< per block on the device and token
  double surprise = 1;          ///< times what trades really take

  [[nodiscard]] double percent(const Config& config) const {
    const int layers = config.placement.n_gpu_layers;
    if (layers == 0) return 0;
    const int split = std::max(0, config.placement.n_cpu_ffn - (kBlocks + 1 - layers));
    return 4 * (layers - 0.7 * split) + (config.context.kv_offload ? 0.8 * layers : 0) +
           config.context.n_ubatch / 100.0;
  }
  [[nodiscard]] Trial trial(const Config& config) const {
    const int layers = config.placement.n_gpu_layers;
    const int split = std::max(0, config.placement.n_cpu_ffn - (kBlocks + 1 - layers));
    const double share = (layers - 0.7 * split) / (kBlocks + 1.0);
    const double pieces = 1024.0 / config.context.n_ubatch;
    double generation = 100 - 90 * share;
    if (!config.context.kv_offload) generation += host_ms * layers;
    const double prompt = (5 - 4.5 * share) * (1 + smaller_costs * (pieces - 2) / 2);
    const bool traded = config.context.n_ubatch != 512 || !config.context.kv_offload;
    const double times = traded && layers > 13 ? surprise : 1;
    Trial one = trial_of(config, generation * times, prompt * times, 0.003);
    one.vram_percent = percent(config);
    one.vram_used_bytes = static_cast<std::uint64_t>(1e8 * percent(config));
    return one;
  }
};

struct Traded {
  std::vector<Config> configs;
  double least_ms = 0;
  double before_ms = 0;
};

Traded trade_on(const World& world) {
  std::vector<TuneOption> options;
  for (const ContextSettings& context : memory_variants({}, true, 512)) {
    for (const Placement& placement : placements_of({}, uniform_model(kBlocks), true)) {
      TuneOption& option = options.emplace_back();
      option.config = {placement, context};
      option.vram_percent = world.percent(option.config);
      option.vram_bytes = static_cast<std::uint64_t>(1e8 * *option.vram_percent);
      if (*option.vram_percent > 100) option.why_not = "needs more than there is";
    }
  }
  TuneRules rules;
  rules.workload = test::kWorkload;
  TuneMemory memory(options, kBlocks + 1, 70, true);
  const PlacementCosts costs(PlacementShape(uniform_model(kBlocks)), rules, {});
  Arms arms;
  const auto measure = [&](const Config& config) {
    const Trial trial = world.trial(config);
    memory.learn(trial);
    test::tell(arms, trial);
  };
  const Config walked = config_of(13);
  ContextSettings smaller;
  smaller.n_ubatch = 256;
  ContextSettings host;
  host.kv_offload = false;
  measure(config_of(0));
  measure(config_of(8));
  measure(walked);
  measure({walked.placement, smaller});
  measure({walked.placement, host});
  Traded traded;
  traded.before_ms = arms.cheapest()->cost->value;
  while (traded.configs.size() < 12) {
    const auto step = next_trade({memory, costs, arms, rules, walked}, walked);
    if (!step) break;
    EXPECT_TRUE(promised_cost({memory, costs, arms, rules, walked}, walked, step->config));
    traded.configs.push_back(step->config);
    measure(step->config);
  }
  traded.least_ms = arms.cheapest()->cost->value;
  return traded;
}

TEST(Trade, SpendsOnWeightsWhatAnotherContextSaves) {
  const Traded traded = trade_on({});
  ASSERT_FALSE(traded.configs.empty());
  EXPECT_LT(traded.least_ms, 0.85 * traded.before_ms);
  EXPECT_LE(traded.configs.size(), 5U);
  const World world;
  for (const Config& config : traded.configs) EXPECT_LE(world.percent(config), 70);
  const ContextSettings& first = traded.configs.front().context;
  EXPECT_FALSE(first.kv_offload);
  EXPECT_LT(first.n_ubatch, 512U) << "both together make most room";
}

TEST(Trade, TakesNoOtherContextWhereItCostsMoreThanItBuys) {
  World dear;
  dear.smaller_costs = 1;
  dear.host_ms = 5;
  for (const Config& config : trade_on(dear).configs) {
    EXPECT_EQ(config.context, ContextSettings{}) << "another placement, at most";
  }
}

TEST(Trade, OnceATradeTookMoreThanWasPromisedItsKindPromisesLess) {
  World worse;
  worse.surprise = 1.5;
  const Traded traded = trade_on(worse);
  EXPECT_GE(traded.configs.size(), 1U);
  EXPECT_LE(traded.configs.size(), 6U) << "not through all of them";
}

}  // namespace
}  // namespace sweetspot::search
