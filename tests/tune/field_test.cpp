#include "tune/field.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using test::config_of;
using test::tell;
using test::trial_of;

constexpr int kFieldBlocks = 20;

// 21 layers of 4 %, of which half a per cent each is the cache, and pieces of 1 % per 100 tokens.
double percent_of(const Config& config) {
  const int layers = config.placement.n_gpu_layers;
  if (layers == 0) return 0;
  const int split = std::max(0, config.placement.n_cpu_ffn - (kFieldBlocks + 1 - layers));
  return 4 * (layers - 0.7 * split) - (config.context.kv_offload ? 0 : 0.5 * layers) +
         config.context.n_ubatch / 100.0;
}

class ConfigFieldTest : public testing::Test {
 protected:
  static std::vector<Option> options() {
    std::vector<Option> all;
    for (const ContextSettings& context : memory_variants({}, true, test::kWorkload.n_prompt)) {
      for (const Placement& placement : placements_of({}, uniform_model(kFieldBlocks), true)) {
        Option& option = all.emplace_back();
        option.config = {placement, context};
        option.vram_percent = percent_of(option.config);
        option.vram_bytes = static_cast<std::uint64_t>(1e8 * *option.vram_percent);
        if (*option.vram_percent > 100) option.why_not = "needs more than there is";
      }
    }
    return all;
  }

  Config measure(Config config, std::uint32_t n_ubatch = 512, bool kv_offload = true) {
    config.context.n_ubatch = n_ubatch;
    config.context.kv_offload = kv_offload;
    tell(arms_, trial_of(config, 50, 5));
    return config;
  }

  [[nodiscard]] Field field() const {
    return field_of(
        {memory_, shape_, arms_, rules_, config_of(10), knobs_, {arms_.all(), shape_, rules_}});
  }

  [[nodiscard]] std::set<std::uint32_t> open_sizes() const {
    std::set<std::uint32_t> sizes;
    const Field now = field();
    for (const std::size_t k : now.open) sizes.insert(now.points[k].context.n_ubatch);
    return sizes;
  }

  Memory memory_{options(), kFieldBlocks + 1, 70, true};
  PlacementShape shape_{uniform_model(kFieldBlocks)};
  Arms arms_;
  Rules rules_ = [] {
    Rules one;
    one.workload = test::kWorkload;
    return one;
  }();
  ContextSettings knobs_;
};

TEST_F(ConfigFieldTest, WhatIsOpenKeepsToTheLimitAndWasNotTried) {
  const Config tried = measure(config_of(10));
  const Field now = field();
  ASSERT_FALSE(now.open.empty());
  for (const std::size_t k : now.open) {
    EXPECT_LE(percent_of(now.points[k]), 70);
    EXPECT_NE(now.points[k].placement, tried.placement);
  }
  ASSERT_EQ(now.measured.size(), 1U);
  EXPECT_EQ(now.points[now.measured.front()], tried);
}

TEST_F(ConfigFieldTest, AContextIsThereOnceEachOfItsChangesWasMeasured) {
  measure(config_of(10));
  EXPECT_EQ(open_sizes(), std::set<std::uint32_t>{512});
  measure(config_of(10), 256);
  EXPECT_EQ(open_sizes(), (std::set<std::uint32_t>{64, 128, 256, 512, 1024}))
      << "a prompt of 1024 needs no larger pieces";
  const auto on_host = [&] {
    const Field now = field();
    return std::count_if(now.open.begin(), now.open.end(),
                         [&](std::size_t k) { return !now.points[k].context.kv_offload; });
  };
  EXPECT_EQ(on_host(), 0);
  measure(config_of(10), 512, false);
  EXPECT_GT(on_host(), 0);
}

TEST_F(ConfigFieldTest, ALargerBatchThanWasChosenIsNotTried) {
  rules_.knobs.fixed = {"n_batch"};
  knobs_.n_batch = 512;
  measure(config_of(10));
  measure(config_of(10), 256);
  const Field now = field();
  for (const std::size_t k : now.open) EXPECT_LE(now.points[k].context.n_ubatch, 2048U);
}

TEST_F(ConfigFieldTest, EveryContextIsThereWithTheMostThatFits) {
  measure(config_of(10));
  measure(config_of(10), 64, false);
  const Field now = field();
  int most = 0;
  for (const std::size_t k : now.open) {
    const Config& config = now.points[k];
    const bool whole = config.placement.n_cpu_ffn == 0;
    if (whole && config.context.n_ubatch == 64 && !config.context.kv_offload) {
      most = std::max(most, config.placement.n_gpu_layers);
    }
  }
  EXPECT_EQ(most, 19) << "19 x 3.5 % and 0.64 %";
}

TEST_F(ConfigFieldTest, TheKnobsOfTheBestAreKept) {
  knobs_.n_threads = 3;
  measure(config_of(10));
  const Field now = field();
  for (const std::size_t k : now.open) EXPECT_EQ(now.points[k].context.n_threads, 3);
}

TEST_F(ConfigFieldTest, TheCpuAloneIsThereWithOtherPiecesToo) {
  measure(config_of(10));
  measure(config_of(10), 256);
  const Field now = field();
  EXPECT_TRUE(std::any_of(now.open.begin(), now.open.end(), [&](std::size_t k) {
    return now.points[k].placement.n_gpu_layers == 0 && now.points[k].context.n_ubatch == 1024;
  }));
}

}  // namespace
}  // namespace sweetspot::tune
