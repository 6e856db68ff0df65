#include "search/slice_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/layer_shape.hpp"

namespace sweetspot::search {
namespace {

using testing::DoubleNear;
using testing::HasSubstr;

constexpr std::uint64_t kMB = 1'000'000;

ModelInfo model_of(const std::vector<std::uint64_t>& block_mb, std::uint64_t non_layer_mb) {
  ModelInfo model;
  model.architecture = "llama";
  model.n_layer = static_cast<int>(block_mb.size());
  model.n_vocab = 32000;
  model.non_layer_bytes = model.size_bytes = non_layer_mb * kMB;
  for (int i = 0; i < model.n_layer; ++i) {
    model.layers.push_back({i, block_mb[static_cast<std::size_t>(i)] * kMB, 0});
    model.size_bytes += model.layers.back().bytes;
  }
  return model;
}

ModelInfo even(int blocks) {
  return model_of(std::vector<std::uint64_t>(static_cast<std::size_t>(blocks), 100), 180);
}

// A machine of which every cost is known.
struct Costs {
  double fixed = 1;
  double crossing = 0.5;
  double cpu_per_mb = 0.1;
  double device_per_mb = 0.01;
  double cpu_output = 8;
  double device_output = 0.8;
};

double bytes_of(const ModelInfo& model, int first, int count) {
  double sum = 0;
  for (int i = first; i < first + count; ++i) {
    sum += read_bytes(model, model.layers[static_cast<std::size_t>(i)]);
  }
  return sum / static_cast<double>(kMB);
}

double time_of(const ModelInfo& model, const SliceSize& size, int layers, const Costs& c = {}) {
  const int on_device = std::max(0, layers - 1);
  const int on_cpu = size.blocks - on_device;
  const double share = static_cast<double>(size.vocab_rows) / model.n_vocab;
  const bool split = layers > 0 && on_cpu > 0;
  return c.fixed + (split ? c.crossing : 0) +
         share * (layers > 0 ? c.device_output : c.cpu_output) +
         bytes_of(model, size.first_block, on_cpu) * c.cpu_per_mb +
         bytes_of(model, size.first_block + on_cpu, on_device) * c.device_per_mb;
}

MeasuredSlices measure(const ModelInfo& model, const SlicePlan& plan) {
  const auto times = [&](bool device) {
    const auto at = [&](const SliceSize& size) {
      return time_of(model, size, device ? size.blocks + 1 : 0);
    };
    return SliceTimes{at(plan.small), at(plan.large), at(plan.rows.value_or(plan.small))};
  };
  return {times(false), times(true), time_of(model, plan.large, 1 + mixed_blocks(plan))};
}

void expect_exact(const ModelInfo& model, const SlicePlan& plan) {
  const auto predicted = times_by_layers(model, plan, measure(model, plan));
  const SliceSize whole{0, model.n_layer, static_cast<std::uint32_t>(model.n_vocab)};
  ASSERT_EQ(predicted.size(), static_cast<std::size_t>(model.n_layer) + 2);
  for (int layers = 0; layers <= model.n_layer + 1; ++layers) {
    EXPECT_THAT(predicted[static_cast<std::size_t>(layers)],
                DoubleNear(time_of(model, whole, layers), 1e-6))
        << layers << " layers";
  }
}

TEST(SliceModel, IsExactOnALinearMachine) {
  const ModelInfo model = even(40);
  const auto plan = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(plan) << plan.reason();
  EXPECT_EQ(plan->small.blocks, 1);
  EXPECT_EQ(plan->large.blocks, 4);
  ASSERT_TRUE(plan->rows);
  EXPECT_LE(static_cast<double>(plan->largest_bytes), 0.1 * static_cast<double>(model.size_bytes));
  expect_exact(model, *plan);
}

TEST(SliceModel, TellsWhatABlockAndACrossingCost) {
  const ModelInfo model = even(40);
  const auto plan = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(plan);
  const SliceCosts costs = costs_of(model, *plan, measure(model, *plan));
  EXPECT_NEAR(costs.cpu_block_ms, 10, 1e-9);
  EXPECT_NEAR(costs.device_block_ms, 1, 1e-9);
  EXPECT_NEAR(costs.cpu_output_ms, 8, 1e-9);
  EXPECT_NEAR(costs.device_output_ms, 0.8, 1e-9);
  EXPECT_NEAR(costs.mixed_rest_ms - costs.device_rest_ms, 0.5, 1e-9);
}

TEST(SliceModel, BlocksCountByWhatATokenReadsOfThem) {
  std::vector<std::uint64_t> sizes(60, 100);
  for (std::size_t i = 0; i < 20; ++i) sizes[i] = 120;
  ModelInfo model = model_of(sizes, 180);
  model.n_expert = 8;
  model.n_expert_used = 2;
  for (LayerSize& layer : model.layers) layer.expert_bytes = layer.bytes / 5 * 4;
  EXPECT_NEAR(read_bytes(model, model.layers.back()), 40e6, 1);
  const auto plan = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(plan) << plan.reason();
  EXPECT_EQ(plan->small.blocks, 2) << "one block of 40 MB read is less than twice the cache";
  EXPECT_THAT(plan->notes, testing::Contains(HasSubstr("2 sizes")));
  expect_exact(model, *plan);
}

TEST(SliceModel, TheSmallSliceGrowsWithTheCache) {
  const ModelInfo model = even(40);
  const auto plan = plan_slices(model, std::uint64_t{90 * kMB});
  ASSERT_TRUE(plan) << plan.reason();
  EXPECT_EQ(plan->small.blocks, 2);
  EXPECT_GE(plan->small_read_bytes, 2 * plan->cache_bytes);
}

TEST(SliceModel, WhatFitsInTheCacheIsRefused) {
  const auto plan = plan_slices(even(40), std::uint64_t{300 * kMB});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.reason(), HasSubstr("cache"));
  EXPECT_FALSE(plan_slices(even(40), Absence{"sysfs lists no caches"}));
  EXPECT_FALSE(plan_slices(even(10), std::uint64_t{32 * kMB})) << "a tenth is not two blocks";
}

TEST(SliceModel, SlicesBeginWhereAPeriodDoes) {
  ModelInfo model = even(160);
  model.architecture = "gemma3";
  const auto plan = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(plan) << plan.reason();
  EXPECT_EQ(plan->small.blocks % 6, 0);
  EXPECT_EQ(plan->large.blocks % 6, 0);
  EXPECT_TRUE(plan->notes.empty());
  model = even(60);
  model.architecture = "gemma3";
  const auto part = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(part) << part.reason();
  EXPECT_THAT(part->notes, testing::Contains(HasSubstr("no whole period")));
}

TEST(SliceModel, AHybridsSlicesHaveBothKinds) {
  std::vector<std::uint64_t> sizes(60);
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = i % 3 == 2 ? 80 : 100;
  ModelInfo model = model_of(sizes, 180);
  model.hybrid = true;
  const auto plan = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(plan) << plan.reason();
  const int first = plan->small.first_block;
  bool attention = false;
  bool other = false;
  for (int i = first; i < first + plan->small.blocks; ++i) (i % 3 == 2 ? attention : other) = true;
  EXPECT_TRUE(attention && other);
  expect_exact(model, *plan);
}

TEST(SliceModel, WithoutADeviceOnlyTheCpuIsPredicted) {
  const ModelInfo model = even(40);
  const auto plan = plan_slices(model, std::uint64_t{32 * kMB});
  ASSERT_TRUE(plan);
  MeasuredSlices measured = measure(model, *plan);
  measured.device.reset();
  EXPECT_EQ(times_by_layers(model, *plan, measured).size(), 1U);
}

}  // namespace
}  // namespace sweetspot::search
