#include "tune/request_cost.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sweetspot::tune {
namespace {

using testing::HasSubstr;

Speed speed(double ms, double half_width) {
  Speed one;
  one.ms_per_token = {ms, ms - half_width, ms + half_width};
  one.tokens_per_second = {1000 / ms, 1000 / (ms + half_width), 1000 / (ms - half_width)};
  return one;
}

// 100 tokens of prompt at 1 ms, 10 generated at 20 ms.
Trial trial() {
  Trial one;
  one.workload = {100, 10, 0};
  one.prompt = speed(1, 0.03);
  one.generation = speed(20, 0.4);
  one.layers = 8;
  one.vram_percent = 60.0;
  return one;
}

TEST(RequestCost, ARequestIsItsPromptAndItsGeneration) {
  const auto cost = cost_of(trial(), Objective::request);
  ASSERT_TRUE(cost);
  EXPECT_DOUBLE_EQ(cost->value, 100 * 1 + 10 * 20);
  EXPECT_NEAR(cost->high - cost->value, std::hypot(3, 4), 1e-9) << "independent errors";
  EXPECT_NEAR(cost->value - cost->low, 5, 1e-9);
}

TEST(RequestCost, WithoutAPromptARequestIsItsGeneration) {
  Trial one = trial();
  one.workload.n_prompt = 0;
  one.prompt.reset();
  const auto cost = cost_of(one, Objective::request);
  ASSERT_TRUE(cost);
  EXPECT_DOUBLE_EQ(cost->value, 200);
  EXPECT_NEAR(cost->high, 204, 1e-9);
}

// A step of 4 tokens takes 80 ms: 20 ms each. A request waits 100 ms for its prompt and 10 steps.
TEST(RequestCost, OfSeveralSequencesItIsTheShareOfOneRequest) {
  Trial one = trial();
  one.workload.n_parallel = 4;
  const double four_requests_ms = 4 * 100 * 1 + 10 * 80;
  EXPECT_DOUBLE_EQ(cost_of(one, Objective::request)->value, four_requests_ms / 4);
  EXPECT_DOUBLE_EQ(cost_of(one, Objective::generation)->value, 80.0 / 4);
}

TEST(RequestCost, GenerationAndPromptArePerToken) {
  EXPECT_DOUBLE_EQ(cost_of(trial(), Objective::generation)->value, 20);
  EXPECT_DOUBLE_EQ(cost_of(trial(), Objective::prompt)->value, 1);
  Trial one = trial();
  one.prompt.reset();
  EXPECT_DOUBLE_EQ(cost_of(one, Objective::generation)->value, 20) << "needs no prompt";
}

TEST(RequestCost, EnergyIsThatOfTheWholeRequest) {
  Trial one = trial();
  one.generation->joules_per_token = 3.0;
  one.prompt->joules_per_token = 0.5;
  const auto cost = cost_of(one, Objective::energy);
  ASSERT_TRUE(cost);
  EXPECT_DOUBLE_EQ(cost->value, 3 * 10 + 0.5 * 100);
  EXPECT_LT(cost->low, cost->value);
  EXPECT_GT(cost->high, cost->value);
}

TEST(RequestCost, WhatIsMissingIsSaid) {
  Trial failed = trial();
  failed.failure = Failure{};
  EXPECT_THAT(cost_of(failed, Objective::request).reason(), HasSubstr("not measured"));
  Trial no_prompt = trial();
  no_prompt.prompt.reset();
  EXPECT_THAT(cost_of(no_prompt, Objective::request).reason(), HasSubstr("prompt"));
  EXPECT_THAT(cost_of(no_prompt, Objective::prompt).reason(), HasSubstr("prompt"));
  Trial energy = trial();
  energy.generation->joules_per_token = Absence{"the driver does not tell"};
  EXPECT_EQ(cost_of(energy, Objective::energy).reason(), "the driver does not tell");
  energy.generation->joules_per_token = 3.0;
  energy.prompt->joules_per_token = Absence{"too short"};
  EXPECT_EQ(cost_of(energy, Objective::energy).reason(), "too short");
}

TEST(Constraints, MemoryIsLimitedWhereSomethingIsOffloaded) {
  TuneConstraints constraints;
  EXPECT_EQ(why_outside(trial(), constraints), "");
  Trial full = trial();
  full.vram_percent = 90.0;
  EXPECT_THAT(why_outside(full, constraints), HasSubstr("90 %"));
  EXPECT_THAT(why_outside(full, constraints), HasSubstr("85 %"));
  constraints.max_vram_percent = 90;
  EXPECT_EQ(why_outside(full, constraints), "");
  const Placement beside = full.config.placement;
  full.config.placement.devices = {"none"};  // the CPU alone
  full.vram_percent = 99.0;                  // of others: not this config's doing
  EXPECT_EQ(why_outside(full, constraints), "");
  full.config.placement = beside;
  full.vram_percent = Absence{"no driver"};
  EXPECT_EQ(why_outside(full, constraints), "");
}

TEST(Constraints, SpeedsHaveFloors) {
  TuneConstraints constraints;
  constraints.min_generation_tokens_per_second = 51.0;  // it makes 50
  EXPECT_THAT(why_outside(trial(), constraints), HasSubstr("generates fewer than 51"));
  constraints.min_generation_tokens_per_second = 49.0;
  EXPECT_EQ(why_outside(trial(), constraints), "");
  constraints.min_prompt_tokens_per_second = 1001.0;  // it makes 1000
  EXPECT_THAT(why_outside(trial(), constraints), HasSubstr("prompts"));
}

}  // namespace
}  // namespace sweetspot::tune
