#include "tune/placement_shape.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/no_device.hpp"
#include "search/curve.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;

Placement placement(int layers, int n_cpu_moe = 0, int n_cpu_ffn = 0) {
  Placement one;
  one.n_gpu_layers = layers;
  one.n_cpu_moe = n_cpu_moe;
  one.n_cpu_ffn = n_cpu_ffn;
  return one;
}

// Ten blocks of 100 MB, and an output of 100 MB that is read (embeddings are not).
PlacementShape dense() { return PlacementShape(uniform_model(10)); }

// 90 of each block's 100 MB are experts, of which a token uses one in four.
ModelInfo experts_model() {
  ModelInfo model = uniform_model(10);
  for (LayerSize& layer : model.layers) layer.expert_bytes = 90'000'000;
  model.n_expert = 8;
  model.n_expert_used = 2;
  return model;
}

TEST(PlacementShape, SharesGoFromAllOnTheCpuToNothing) {
  const PlacementShape shape = dense();
  EXPECT_EQ(shape.offloadable(), 11);
  EXPECT_DOUBLE_EQ(shape.cpu_share(placement(0)), 1);
  EXPECT_NEAR(shape.cpu_share(placement(1)), 10.0 / 11, 1e-12) << "the output alone";
  EXPECT_NEAR(shape.cpu_share(placement(6)), 5.0 / 11, 1e-12);
  EXPECT_DOUBLE_EQ(shape.cpu_share(placement(11)), 0);
  EXPECT_DOUBLE_EQ(shape.cpu_share(placement(-1)), 0) << "all";
  EXPECT_DOUBLE_EQ(shape.cpu_share(placement(99)), 0);
}

TEST(PlacementShape, OnlyBlocksOfTheDeviceAreSplit) {
  const PlacementShape shape = dense();
  EXPECT_EQ(shape.split_blocks(placement(11, 0, 4)), 4);
  EXPECT_EQ(shape.split_blocks(placement(11, 4, 0)), 4);
  EXPECT_EQ(shape.split_blocks(placement(0, 0, 4)), 0) << "nothing is on a device";
  // With 8 layers the first three blocks are on the CPU anyway: of the first five two are split.
  EXPECT_EQ(shape.split_blocks(placement(8, 0, 5)), 2);
  EXPECT_EQ(shape.split_blocks(placement(8, 0, 3)), 0);
  EXPECT_EQ(shape.split_blocks(placement(11, 0, 99)), 10) << "there are no more";
  EXPECT_EQ(shape.split_blocks(placement(1, 0, 99)), 0) << "only the output is on the device";
}

TEST(PlacementShape, AFeedForwardPartLeftBehindIsShareOfTheCpu) {
  const PlacementShape shape = dense();
  const double four = shape.cpu_share(placement(11, 0, 4));
  const double all = shape.cpu_share(placement(11, 0, 10));
  EXPECT_GT(four, 0);
  EXPECT_NEAR(all, four / 4 * 10, 1e-12);
  EXPECT_LT(four, shape.cpu_share(placement(7))) << "attention stays on the device";
  EXPECT_LT(all, 1);
}

TEST(PlacementShape, OfExpertsOnlyTheUsedOnesAreRead) {
  const PlacementShape shape(experts_model());
  // A token reads 10 + 90 / 4 of a block: 69 % of it are experts.
  const double block = 10 + 22.5;
  const double sum = 10 * block + 100;
  EXPECT_NEAR(shape.cpu_share(placement(6)), 5 * block / sum, 1e-9);
  EXPECT_NEAR(shape.cpu_share(placement(11, 10)), 10 * 22.5 / sum, 1e-9);
}

TEST(PlacementShape, FeaturesTellTheEndsAndTheCrossings) {
  const PlacementShape shape = dense();
  const search::Features cpu = shape.features(cpu_alone({}));
  EXPECT_THAT(cpu.basis, testing::ElementsAre(1, 0, 0, 0, 1, 0));
  const search::Features beside = shape.features(placement(0));
  EXPECT_THAT(beside.basis, testing::ElementsAre(1, 0, 0, 0, 0, 0)) << "a device takes part";
  const search::Features all = shape.features(placement(11));
  EXPECT_THAT(all.basis, testing::ElementsAre(1, testing::DoubleNear(1, 1e-12), 0, 0, 0, 1));
  const search::Features split = shape.features(placement(11, 0, 4));
  EXPECT_THAT(split.basis, testing::ElementsAre(1, testing::DoubleNear(1, 1e-12), 0.4, 1, 0, 0));
  EXPECT_NEAR(split.position.at(1), 0.4, 1e-12);
  const search::Features half = shape.features(placement(6));
  EXPECT_NEAR(half.basis[1], 0.5, 1e-12);
  EXPECT_EQ(half.basis[3], 0);
  EXPECT_EQ(shape.prior(10).beta.size(), half.basis.size());
}

TEST(PlacementShape, TheModelLearnsBothFamilies) {
  // 100 ms on the CPU, 10 on the device, 55 for the feed-forwards of all blocks on the CPU.
  const PlacementShape shape = dense();
  const auto truth = [](const search::Features& at) {
    return 100 - 90 * at.basis[1] + 55 * at.basis[2] + 1 * at.basis[3];
  };
  std::vector<search::Observation> seen;
  for (const Placement& one : {placement(0), placement(4), placement(8), placement(11),
                               placement(11, 0, 2), placement(11, 0, 8)}) {
    const search::Features at = shape.features(one);
    seen.push_back({at, truth(at), 0.003 * truth(at)});
  }
  const search::Features asked = shape.features(placement(11, 0, 5));
  const search::TimeModel model = search::TimeModel::fit(shape.prior(100), seen, {asked});
  EXPECT_NEAR(model.predict(0).value, truth(asked), 0.05 * truth(asked));
  EXPECT_TRUE(model.is_linear());
}

}  // namespace
}  // namespace sweetspot::tune
