#include "tune/config_shape.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using test::config_of;

constexpr std::uint32_t kPrompt = 1024;

ContextSettings pieces(std::uint32_t n) {
  ContextSettings context;
  context.n_ubatch = n;
  return context;
}

double distance(const search::Features& a, const search::Features& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.position.size(); ++i) {
    sum += std::pow(a.position[i] - b.position[i], 2);
  }
  return std::sqrt(sum);
}

search::Features features_of(const ConfigShape& shape, const Config& config,
                             Pass pass = Pass::prompt) {
  return shape.features(config, pass);
}

class ConfigShapeTest : public testing::Test {
 protected:
  PlacementShape placements_{uniform_model(20)};
  ConfigShape shape_{placements_, {}, {}, kPrompt};
};

TEST_F(ConfigShapeTest, NoLayersBesideADeviceGenerateAsTheCpuAloneDoes) {
  Config beside = config_of(8);
  beside.placement.n_gpu_layers = 0;
  const auto cpu = features_of(shape_, config_of(0), Pass::generation).basis;
  const auto mine = features_of(shape_, beside, Pass::generation).basis;
  ASSERT_EQ(cpu.size(), mine.size());
  for (std::size_t i = 0; i + 1 < cpu.size(); ++i) EXPECT_EQ(cpu[i], mine[i]) << i;
  EXPECT_NE(cpu.back(), mine.back()) << "but for repacked weights";
  EXPECT_NE(features_of(shape_, beside).basis, features_of(shape_, config_of(0)).basis)
      << "its prompts are read on the device";
}

TEST_F(ConfigShapeTest, WithTheBaseContextAConfigIsItsPlacement) {
  const search::Features whole = features_of(shape_, config_of(8));
  const search::Features placement = placements_.features(config_of(8).placement);
  for (std::size_t i = 0; i < whole.basis.size(); ++i) {
    EXPECT_DOUBLE_EQ(whole.basis[i], i < placement.basis.size() ? placement.basis[i] : 0);
  }
}

TEST_F(ConfigShapeTest, PiecesCountByHowManyMoreThereAre) {
  const std::size_t at = placements_.features({}).basis.size();
  EXPECT_DOUBLE_EQ(features_of(shape_, config_of(8, 0, pieces(256))).basis[at], 1);
  EXPECT_DOUBLE_EQ(features_of(shape_, config_of(8, 0, pieces(64))).basis[at], 7);
  EXPECT_DOUBLE_EQ(features_of(shape_, config_of(8, 0, pieces(1024))).basis[at], -0.5);
  const ConfigShape without_prompt(placements_, {}, {}, 0);
  EXPECT_DOUBLE_EQ(features_of(without_prompt, config_of(8, 0, pieces(64))).basis[at], 0);
}

TEST_F(ConfigShapeTest, ACacheInHostMemoryCostsByTheBlocksOnTheDevice) {
  ContextSettings host;
  host.kv_offload = false;
  const std::size_t at = placements_.features({}).basis.size() + 2;
  EXPECT_DOUBLE_EQ(features_of(shape_, config_of(0, 0, host)).basis[at], 0);
  const double some = features_of(shape_, config_of(8, 0, host)).basis[at];
  EXPECT_GT(some, 0);
  EXPECT_LT(some, features_of(shape_, config_of(21, 0, host)).basis[at]);
}

TEST_F(ConfigShapeTest, EveryCombinationOfOtherKnobsHasAnEffectOfItsOwn) {
  ContextSettings four;
  four.n_threads = 4;
  ContextSettings eight = pieces(256);
  eight.n_threads = 8;
  const ConfigShape shape(placements_, {}, {four, eight, four, pieces(64)}, kPrompt);
  const std::size_t plain = features_of(shape_, config_of(8)).basis.size();
  const search::Features with_four = features_of(shape, config_of(8, 0, four));
  ASSERT_EQ(with_four.basis.size(), plain + 4) << "two combinations, each alone and by the CPU";
  EXPECT_DOUBLE_EQ(with_four.basis[plain], 1);
  EXPECT_DOUBLE_EQ(with_four.basis[plain + 2], 0);
  EXPECT_DOUBLE_EQ(features_of(shape, config_of(8, 0, eight)).basis[plain + 2], 1);
  EXPECT_EQ(shape.prior(Pass::prompt, 10, 5).beta.size(), with_four.basis.size());
}

TEST_F(ConfigShapeTest, ContextsOfAPlacementAreNearerThanPlacements) {
  ContextSettings host = pieces(128);
  host.kv_offload = false;
  const search::Features here = features_of(shape_, config_of(8));
  EXPECT_LT(distance(here, features_of(shape_, config_of(8, 0, host))),
            distance(here, features_of(shape_, config_of(12))));
}

TEST_F(ConfigShapeTest, OfGenerationPiecesOfThePromptAreNotBlamed) {
  const std::size_t at = placements_.features({}).basis.size();
  EXPECT_LT(shape_.prior(Pass::generation, 10, 5).beta[at].sd,
            0.05 * shape_.prior(Pass::prompt, 10, 5).beta[at].sd);
}

}  // namespace
}  // namespace sweetspot::tune
