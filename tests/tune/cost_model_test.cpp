#include "tune/cost_model.hpp"

#include <gtest/gtest.h>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using test::config_of;
using test::rules;
using test::tell;
using test::trial_of;

// 20 blocks; each further piece of the prompt costs a tenth, a cache in host memory 0.5 ms a token
// where all blocks are on the device.
Trial measured(const Config& config) {
  const double share = config.placement.n_gpu_layers / 21.0;
  const double more = 512.0 / config.context.n_ubatch - 1;
  const double host = config.context.kv_offload ? 0 : 0.5 * share;
  return trial_of(config, 100 - 90 * share + host, (5 - 4 * share) * (1 + 0.1 * more) + host,
                  0.003);
}

double truth(const Config& config) {
  const Trial trial = measured(config);
  return weigh({trial.generation->ms_per_token.value, trial.prompt->ms_per_token.value}, rules());
}

Config with(int layers, std::uint32_t n_ubatch, bool kv_offload) {
  Config config = config_of(layers);
  config.context.n_ubatch = n_ubatch;
  config.context.kv_offload = kv_offload;
  return config;
}

TEST(CostModel, LearnsAContextOnOnePlacementAndKnowsItOnAnother) {
  const PlacementShape shape(uniform_model(20));
  Arms arms;
  tell(arms, measured(config_of(12)));
  tell(arms, measured(with(12, 256, true)));
  tell(arms, measured(with(12, 512, false)));
  tell(arms, measured(config_of(0)));
  const Config asked = with(16, 256, false);
  const CostModel model(shape, rules(), {}, arms.all(), {asked, config_of(12)});
  ASSERT_TRUE(model.knows_anything());
  EXPECT_NEAR(model.expected(0).value, truth(asked), 0.1 * truth(asked));
  EXPECT_LT(model.expected(0).low, truth(asked));
  EXPECT_GT(model.expected(0).high, truth(asked));
  EXPECT_NEAR(model.expected(1).value, truth(config_of(12)), 0.02 * truth(config_of(12)));
}

TEST(CostModel, WorldsAreOfTheIndexesAskedFor) {
  const PlacementShape shape(uniform_model(20));
  Arms arms;
  tell(arms, measured(config_of(12)));
  tell(arms, measured(config_of(0)));
  const CostModel model(shape, rules(), {}, arms.all(),
                        {config_of(0), config_of(6), config_of(12)});
  const search::Worlds worlds = model.worlds({2, 0});
  ASSERT_GE(worlds.size(), 100U);
  double mean = 0;
  for (const auto& world : worlds) {
    ASSERT_EQ(world.size(), 2U);
    mean += world[0] / static_cast<double>(worlds.size());
    EXPECT_LT(world[0], world[1]) << "measured, and far apart";
  }
  EXPECT_NEAR(mean, truth(config_of(12)), 0.05 * truth(config_of(12)));
}

TEST(CostModel, WithoutTrialsItKnowsNothing) {
  const PlacementShape shape(uniform_model(20));
  const CostModel model(shape, rules(), {}, {}, {config_of(3)});
  EXPECT_FALSE(model.knows_anything());
  EXPECT_TRUE(model.worlds({0}).empty());
}

TEST(CostModel, OnlyWhatTheObjectiveCountsIsModelled) {
  Rules generation = rules();
  generation.objective = Objective::generation;
  EXPECT_DOUBLE_EQ(weigh({2, 3}, generation), 2.0 * test::kWorkload.n_gen);
  Rules prompt = rules();
  prompt.objective = Objective::prompt;
  EXPECT_DOUBLE_EQ(weigh({2, 3}, prompt), 3.0 * test::kWorkload.n_prompt);
}

}  // namespace
}  // namespace sweetspot::tune
