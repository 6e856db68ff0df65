#include "tune/space.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "core/no_device.hpp"
#include "ground/bytes.hpp"
#include "search/curve.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;

ModelInfo experts_model(int blocks) {
  ModelInfo model = uniform_model(blocks);
  for (LayerSize& layer : model.layers) layer.expert_bytes = 90'000'000;
  model.n_expert = 8;
  model.n_expert_used = 2;
  return model;
}

using Key = std::tuple<int, int, int>;

// But the CPU alone, which is the last.
std::set<Key> keys(const std::vector<Placement>& placements) {
  std::set<Key> all;
  for (const Placement& one : placements) {
    EXPECT_EQ(uses_no_device(one), &one == &placements.back());
    if (uses_no_device(one)) continue;
    all.insert({one.n_gpu_layers, one.n_cpu_moe, one.n_cpu_ffn});
  }
  EXPECT_EQ(all.size() + 1, placements.size()) << "each once";
  return all;
}

TEST(Placements, OfADenseModelAreLayersAndSplitBlocks) {
  const auto all = keys(placements_of({}, uniform_model(4), true));
  const std::set<Key> expected = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {4, 0, 0},
                                  {5, 0, 0}, {5, 0, 1}, {5, 0, 2}, {5, 0, 3}, {5, 0, 4},
                                  {2, 0, 4}, {3, 0, 4}, {4, 0, 4}};
  EXPECT_EQ(all, expected);
}

TEST(Placements, OfExpertsLeaveThemOnTheCpu) {
  const auto all = keys(placements_of({}, experts_model(4), true));
  const std::set<Key> expected = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}, {4, 0, 0},
                                  {5, 0, 0}, {5, 1, 0}, {5, 2, 0}, {5, 3, 0}, {5, 4, 0},
                                  {2, 4, 0}, {3, 4, 0}, {4, 4, 0}};
  EXPECT_EQ(all, expected);
}

TEST(Placements, WithoutADeviceThereIsOne) {
  Placement base;
  base.load_mode = LoadMode::none;
  base.n_cpu_moe = 2;
  const auto placements = placements_of(base, experts_model(4), false);
  ASSERT_EQ(placements.size(), 1U);
  EXPECT_EQ(placements[0], cpu_alone(base));
  EXPECT_EQ(placements[0].load_mode, LoadMode::none);
}

TEST(Placements, KeepWhatElseTheUserChose) {
  Placement base;
  base.devices = {"CUDA1"};
  base.load_mode = LoadMode::none;
  for (const Placement& one : placements_of(base, uniform_model(4), true)) {
    if (!uses_no_device(one)) {
      EXPECT_EQ(one.devices, base.devices);
    }
    EXPECT_EQ(one.load_mode, base.load_mode);
  }
}

TEST(Placements, LeaveAChosenNumberOfFeedForwardsOnTheCpu) {
  Placement base;
  base.n_cpu_ffn = 3;
  const auto placements = placements_of(base, uniform_model(4), true);
  EXPECT_EQ(placements.size(), 7U);
  for (const Placement& one : placements) EXPECT_EQ(one.n_cpu_ffn, uses_no_device(one) ? 0 : 3);
}

TEST(MemoryVariants, BeginWithTheBaseAndEachTakesOtherMemory) {
  const ContextSettings base;
  const auto variants = memory_variants(base, true, 4096);
  ASSERT_FALSE(variants.empty());
  EXPECT_EQ(variants.front(), base);
  std::set<std::uint32_t> ubatches;
  int without_offload = 0;
  for (std::size_t i = 1; i < variants.size(); ++i) {
    EXPECT_NE(variants[i], base);
    EXPECT_GE(variants[i].n_batch, variants[i].n_ubatch);
    EXPECT_EQ(variants[i].n_ctx, base.n_ctx);
    ubatches.insert(variants[i].n_ubatch);
    without_offload += variants[i].kv_offload ? 0 : 1;
  }
  EXPECT_EQ(ubatches, (std::set<std::uint32_t>{64, 128, 256, 512, 1024, 2048}));
  EXPECT_EQ(without_offload, 4) << "alone, and with the three smaller pieces";
}

TEST(MemoryVariants, LeaveOutWhatCannotBe) {
  ContextSettings base;
  base.n_ctx = 1024;
  for (const ContextSettings& one : memory_variants(base, true, 4096))
    EXPECT_LE(one.n_ubatch, 1024U);
  for (const ContextSettings& one : memory_variants(base, false, 4096)) EXPECT_TRUE(one.kv_offload);
  base.kv_offload = false;
  const auto variants = memory_variants(base, true, 4096);
  EXPECT_EQ(std::count(variants.begin(), variants.end(), base), 1);
}

TEST(MemoryVariants, AskNothingAboutPiecesThatThePromptDoesNotFill) {
  for (const ContextSettings& one : memory_variants({}, true, 512)) EXPECT_LE(one.n_ubatch, 512U);
  const auto longer = memory_variants({}, true, 513);
  EXPECT_TRUE(std::any_of(longer.begin(), longer.end(), [](const ContextSettings& one) {
    return one.n_ubatch == 1024;
  })) << "513 tokens are one piece of 1024";
}

// ---- what --fit does

Option option(int layers, std::uint64_t left_bytes, int n_cpu_moe = 0, int n_cpu_ffn = 0) {
  Option one;
  one.config.placement.n_gpu_layers = layers;
  one.config.placement.n_cpu_moe = n_cpu_moe;
  one.config.placement.n_cpu_ffn = n_cpu_ffn;
  one.left_bytes = left_bytes;
  return one;
}

Key fitted(const std::vector<Option>& options) {
  const Placement& chosen = options[fitted_option(options, {})].config.placement;
  return {chosen.n_gpu_layers, chosen.n_cpu_moe, chosen.n_cpu_ffn};
}

TEST(Fit, TakesEverythingThatLeavesAGib) {
  EXPECT_EQ(fitted({option(0, 8 * kGiB), option(1, 3 * kGiB), option(2, kGiB)}), Key(2, 0, 0));
}

TEST(Fit, WhereNothingFitsLayersLieOnTheCpuBesideTheDevice) {
  std::vector<Option> options = {option(0, kGiB - 1), option(1, 0), option(0, 0)};
  options.back().config.placement = cpu_alone(options.back().config.placement);
  EXPECT_EQ(fitted_option(options, {}), 0U) << "--fit never leaves the device out";
}

TEST(Fit, AByteLessThanAGibIsTooLittle) {
  EXPECT_EQ(fitted({option(0, 8 * kGiB), option(1, 3 * kGiB), option(2, kGiB - 1)}), Key(1, 0, 0));
}

TEST(Fit, WhatIsRefusedOrUnknownIsNotTaken) {
  std::vector<Option> options = {option(0, 8 * kGiB), option(1, 3 * kGiB), option(2, 2 * kGiB)};
  options[2].why_not = "needs more than there is";
  EXPECT_EQ(fitted(options), Key(1, 0, 0));
  options[1].left_bytes = Absence{"not asked"};
  EXPECT_EQ(fitted(options), Key(0, 0, 0));
}

TEST(Fit, KnowsNoSplitDenseBlocks) {
  EXPECT_EQ(
      fitted({option(0, 8 * kGiB), option(1, 3 * kGiB), option(2, 0), option(2, 2 * kGiB, 0, 2)}),
      Key(1, 0, 0));
}

TEST(Fit, OfExpertsAllLayersAndAsFewExpertsOnTheCpuAsItTakes) {
  const std::vector<Option> options = {option(0, 8 * kGiB),    option(1, 7 * kGiB),
                                       option(2, 5 * kGiB),    option(3, 0),
                                       option(3, kGiB / 2, 1), option(3, 2 * kGiB, 2),
                                       option(3, 4 * kGiB, 3), option(2, 6 * kGiB, 3)};
  EXPECT_EQ(fitted(options), Key(3, 2, 0));
}

TEST(Fit, LooksAtOneContext) {
  std::vector<Option> options = {option(0, 8 * kGiB), option(1, 0), option(1, 2 * kGiB)};
  options[2].config.context.n_ubatch = 256;
  EXPECT_EQ(fitted(options), Key(0, 0, 0));
  EXPECT_EQ(fitted_option(options, options[2].config.context), 2U);
}

TEST(Fit, TheCpuNeedsNoDeviceMemory) {
  EXPECT_EQ(fitted({option(0, 0), option(1, 0)}), Key(0, 0, 0));
}

}  // namespace
}  // namespace sweetspot::tune
