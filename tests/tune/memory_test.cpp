#include "tune/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using test::config_of;
using test::trial_of;

constexpr int kUnevenBlocks = 10;
constexpr double kTotal = 10e9;

// Blocks of two sizes: what is derived must come from the right ones.
double block_bytes(int block) { return block < 5 ? 1e9 : 1.4e9; }
double ffn_bytes(int block) { return 0.7 * block_bytes(block); }

double bytes_of(const Config& config) {
  const int layers = config.placement.n_gpu_layers;
  if (layers == 0) return 0;
  double bytes = 0.2e9 + 1e5 * config.context.n_ubatch;
  for (int block = kUnevenBlocks - layers + 1; block < kUnevenBlocks; ++block) {
    bytes += block_bytes(block) - (block < config.placement.n_cpu_ffn ? ffn_bytes(block) : 0);
    if (config.context.kv_offload) bytes += 0.1e9;
  }
  return bytes;
}

std::vector<Option> options() {
  std::vector<Option> all;
  for (const ContextSettings& context : memory_variants({}, true, 512)) {
    for (const Placement& placement : placements_of({}, uniform_model(kUnevenBlocks), true)) {
      Option& option = all.emplace_back();
      option.config = {placement, context};
      const double bytes = bytes_of(option.config);
      option.vram_bytes = static_cast<std::uint64_t>(bytes);
      option.vram_percent = 100 * bytes / kTotal;
      if (bytes > kTotal) option.why_not = "needs more than there is";
    }
  }
  return all;
}

Memory memory(bool derives = true) { return {options(), kUnevenBlocks + 1, 85, derives}; }

// A trial that shows `beyond` percent more than was predicted.
Trial shows(const Config& config, double beyond) {
  Trial trial = trial_of(config, 10, 1);
  trial.vram_percent = 100 * bytes_of(config) / kTotal + beyond;
  return trial;
}

ContextSettings pieces_of(std::uint32_t n_ubatch) {
  ContextSettings context;
  context.n_ubatch = n_ubatch;
  return context;
}

TEST(Memory, FewerLayersWithSomePartsOnTheCpuFollowFromWhatWasAsked) {
  const Memory known = memory();
  for (int layers = 2; layers <= kUnevenBlocks; ++layers) {
    for (int kept = kUnevenBlocks - layers + 2; kept < kUnevenBlocks; ++kept) {
      const Config config = config_of(layers, kept);
      const auto option = known.of(config);
      ASSERT_TRUE(option) << layers << ", " << kept;
      EXPECT_NEAR(static_cast<double>(*option->vram_bytes), bytes_of(config), 10);
      EXPECT_NEAR(*option->vram_percent, 100 * bytes_of(config) / kTotal, 1e-6);
    }
  }
  EXPECT_FALSE(known.of(config_of(5, 3))) << "blocks that are not on the device keep nothing back";
  EXPECT_FALSE(memory(false).of(config_of(9, 5))) << "several devices";
}

TEST(Memory, OfManyThatFitTheMixedOneKeepsFewestBack) {
  const Memory known = memory();
  const auto mixed = known.mixed(9, {});
  ASSERT_TRUE(mixed);
  EXPECT_LE(100 * bytes_of({*mixed, {}}) / kTotal, 85);
  Placement one_less = *mixed;
  --one_less.n_cpu_ffn;
  EXPECT_GT(100 * bytes_of({one_less, {}}) / kTotal, 85);
  EXPECT_FALSE(known.mixed(3, {})) << "all of it fits";
  EXPECT_FALSE(memory(false).mixed(9, {}));
}

TEST(Memory, WhatTheHostHasNoRoomForIsNotDerived) {
  std::vector<Option> all = options();
  for (Option& option : all) {
    if (option.config.placement.n_cpu_ffn == kUnevenBlocks)
      option.why_not = "the host is too small";
  }
  const Memory known(all, kUnevenBlocks + 1, 85, true);
  EXPECT_FALSE(known.mixed(9, {}));
}

TEST(Memory, WhatTrialsShowBeyondThePredictionNarrowsTheLimit) {
  Memory known = memory();
  const Config largest = config_of(6);  // 77 %
  ASSERT_TRUE(known.may_be_tried(largest));
  known.learn(shows(config_of(2), 9));
  EXPECT_FALSE(known.may_be_tried(largest));
  EXPECT_TRUE(known.may_be_tried(config_of(5)));
}

TEST(Memory, WhatGrowsWithThePiecesIsExtendedToSmallerOnes) {
  Memory known = memory();
  known.learn(shows(config_of(2, 0, pieces_of(512)), 9));
  EXPECT_FALSE(known.may_be_tried(config_of(6, 0, pieces_of(128)))) << "nothing says it is less";
  known.learn(shows(config_of(2, 0, pieces_of(256)), 8));
  // 9 at 512, 8 at 256: 7.5 at 128.
  EXPECT_NEAR(*known.of(config_of(6, 0, pieces_of(128)))->vram_percent, 77.1, 0.1);
  EXPECT_TRUE(known.may_be_tried(config_of(6, 0, pieces_of(128))));
}

TEST(Memory, NothingThatTakesAsMuchAsWhatRanOutIsTried) {
  Memory known = memory();
  Trial failed = trial_of(config_of(5), 10, 1);
  failed.failure = Failure{FailureClass::out_of_device_memory, Phase::load, "no", {}, {}};
  failed.vram_percent = Absence{"it failed"};
  known.learn(failed);
  EXPECT_FALSE(known.may_be_tried(config_of(5)));
  EXPECT_FALSE(known.may_be_tried(config_of(6)));
  EXPECT_TRUE(known.may_be_tried(config_of(0)));
}

TEST(Memory, WhatRanOutNeededMoreThanThereIsAndSoMuchLessIsTried) {
  Memory known = memory();
  const double predicted = *known.of(config_of(5))->vram_percent;
  Trial failed = trial_of(config_of(5), 10, 1);
  failed.failure = Failure{FailureClass::out_of_device_memory, Phase::warm_up, "no", {}, {}};
  failed.vram_percent = Absence{"it failed"};
  known.learn(failed);
  for (int layers = 1; layers <= 5; ++layers) {
    const double at = *known.of(config_of(layers))->vram_percent;
    EXPECT_EQ(known.may_be_tried(config_of(layers)), at + (100 - predicted) <= 85) << layers;
  }
}

}  // namespace
}  // namespace sweetspot::tune
