// What a plan answers, from a source that places models as llama.cpp would.

#include "plan/make_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/server_memory.hpp"
#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"
#include "plan/one_budget.hpp"

namespace sweetspot::plan {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// 16 blocks of 100 MiB, trained for 8192 tokens.
class MakePlan : public testing::Test {
 protected:
  MakePlan() {
    info_.n_ctx_train = 8192;
    request_.base.context.n_ctx = 4096;
  }

  Result<Plan> make() { return make_plan(request_, info_, oracle_.source()); }

  std::uint64_t needed(int layers, std::uint32_t n_ctx) {
    Config config;
    config.placement.n_gpu_layers = layers;
    config.context.n_ctx = n_ctx;
    return offloaded_bytes(oracle_.answer(config).memory);
  }

  fake::Oracle oracle_{fake::uniform(16), {}, {}};
  ModelInfo info_ = fake::info_of(oracle_.model);
  PlanRequest request_;
};

TEST(UsualContexts, DoubleUpToTheTrainedOneAndHoldTheWantedOne) {
  EXPECT_THAT(usual_contexts(8192, 4096), ElementsAre(2048, 4096, 8192));
  EXPECT_THAT(usual_contexts(8192, 3000), ElementsAre(2048, 3000, 4096, 8192));
  EXPECT_THAT(usual_contexts(512, 512), ElementsAre(512));
  EXPECT_THAT(usual_contexts(0, 4096), ElementsAre(2048, 4096)) << "trained for an unknown length";
  EXPECT_THAT(usual_contexts(10'485'760, 4096), testing::Contains(131072).Times(1));
  EXPECT_EQ(usual_contexts(10'485'760, 4096).back(), 131072U);
  EXPECT_THAT(usual_contexts(0, kLargestContext), testing::Contains(kLargestContext));
}

TEST_F(MakePlan, FillsInWhatWasNotAsked) {
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->offloadable, 17);
  EXPECT_EQ(plan->request.base.placement.n_gpu_layers, 17) << "-1 means all";
  EXPECT_THAT(plan->grid.axes.n_ctx, ElementsAre(2048, 4096, 8192));
  EXPECT_THAT(plan->grid.axes.cache_types, ElementsAre(CacheTypes{"f16", "f16"}));
  EXPECT_EQ(plan->grid.axes.layers.size(), 18U);
  EXPECT_EQ(plan->cell(0, 1, 17), plan->wanted);
}

TEST_F(MakePlan, CacheTypesDefaultToThoseWanted) {
  request_.base.context.type_k = "q8_0";
  request_.base.context.flash_attn = FlashAttention::on;
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->grid.axes.cache_types, ElementsAre(CacheTypes{"q8_0", "f16"}));
}

TEST_F(MakePlan, ColumnsAreSortedAndNotRepeated) {
  request_.contexts = {8192, 1024, 8192};
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->grid.axes.n_ctx, ElementsAre(1024, 8192));
}

TEST_F(MakePlan, WithoutBudgetsNothingIsJudged) {
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->fits, IsEmpty());
  EXPECT_FALSE(plan->fit);
  EXPECT_THAT(plan->largest_layers, IsEmpty());
  EXPECT_FALSE(plan->largest_context);
  EXPECT_THAT(plan->changes, IsEmpty());
  EXPECT_FALSE(plan->recommended);
  EXPECT_THAT(plan->classes, SizeIs(kVramClasses.size())) << "cards of every size can be judged";
}

TEST_F(MakePlan, EveryCellIsJudged) {
  request_.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  request_.budgets = budget_of(needed(10, 4096));
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->fits.size(), plan->grid.cells.size());
  for (std::size_t i = 0; i < plan->fits.size(); ++i) {
    EXPECT_EQ(plan->fits[i].fits, offloaded_bytes(plan->grid.cells[i].memory) <= needed(10, 4096))
        << i;
  }
}

TEST_F(MakePlan, LargestLayersForEveryColumnOfEveryCacheType) {
  oracle_.model.blocks.assign(16, {100 * kMiB, 0, 0, 8192, 8192, 1U << 31U, 0});
  request_.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  request_.budgets = budget_of(needed(10, 4096));
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_THAT(plan->largest_layers, SizeIs(6));
  EXPECT_EQ(plan->largest_layers[1], std::optional<int>(10));
  EXPECT_GT(*plan->largest_layers[0], 10) << "less context leaves room";
  EXPECT_LT(*plan->largest_layers[2], 10);
  EXPECT_GT(*plan->largest_layers[4], 10) << "a smaller cache leaves room";
}

TEST_F(MakePlan, WhatFitsIsRecommendedAsItIs) {
  request_.budgets = budget_of(100 * kGiB);
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(plan->fit->fits);
  EXPECT_EQ(plan->recommended, plan->request.base);
  EXPECT_THAT(plan->changes, IsEmpty());
  EXPECT_EQ(plan->largest_context, 8192U) << "the trained context bounds it";
}

TEST_F(MakePlan, OtherwiseTheCheapestChangeThatKeepsTheContext) {
  request_.budgets = budget_of(needed(17, 4096) - 300 * kMiB);
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_FALSE(plan->fit->fits);
  ASSERT_THAT(plan->changes, testing::Not(IsEmpty()));
  ASSERT_TRUE(plan->recommended);
  EXPECT_EQ(plan->recommended->context.n_ctx, 4096U);
  const auto cheapest =
      std::find_if(plan->changes.begin(), plan->changes.end(),
                   [](const Change& change) { return change.kind != ChangeKind::shorter_context; });
  ASSERT_NE(cheapest, plan->changes.end());
  EXPECT_EQ(plan->recommended, cheapest->config);
  EXPECT_TRUE(fit_of(oracle_.answer(*plan->recommended), *plan->request.budgets).fits);
}

TEST_F(MakePlan, LayersOnAutoGiveWayAndNothingElseDoes) {
  request_.budgets = budget_of(needed(17, 4096) - 300 * kMiB);
  request_.layers_are_auto = true;
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(plan->recommended);
  EXPECT_EQ(plan->recommended->context, plan->request.base.context);
  EXPECT_LT(plan->recommended->placement.n_gpu_layers, 17);
  EXPECT_TRUE(fit_of(oracle_.answer(*plan->recommended), *plan->request.budgets).fits);
}

TEST_F(MakePlan, NothingIsRecommendedWhereNothingHelps) {
  request_.budgets = budget_of(0);
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_FALSE(plan->fit->fits);
  EXPECT_FALSE(plan->largest_context);
  EXPECT_FALSE(plan->recommended);
  EXPECT_THAT(plan->largest_layers, Each(std::optional<int>()));
}

TEST_F(MakePlan, AConfigThatLlamaCppRefusesEndsWithItsReason) {
  request_.base.context.flash_attn = FlashAttention::off;
  request_.base.context.type_v = "q8_0";
  const auto plan = make();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::usage);
  EXPECT_THAT(plan.error().message, HasSubstr("V cache quantization requires flash attention"));
  EXPECT_EQ(oracle_.asked(), 2U) << "it and the CPU alone, in one question";
}

TEST_F(MakePlan, ARefusedColumnDoesNotTakeTheOthersWithIt) {
  request_.base.context.flash_attn = FlashAttention::off;
  request_.cache_types = {{"f16", "f16"}, {"q8_0", "q8_0"}};
  request_.budgets = budget_of(100 * kGiB);
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(plan->cell(1, 0, 5).problem, HasSubstr("flash attention"));
  EXPECT_EQ(plan->cell(0, 0, 5).problem, "");
  EXPECT_EQ(plan->largest_layers[0], std::optional<int>(17));
  EXPECT_EQ(plan->largest_layers[3], std::nullopt);
}

TEST_F(MakePlan, MoreSequencesThanTokensAreRefusedBeforeAnythingIsAsked) {
  request_.base.context.n_ctx = 8;
  request_.base.context.n_parallel = 9;
  const auto plan = make();
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::usage);
  EXPECT_THAT(plan.error().message, AllOf(HasSubstr("--parallel 9"), HasSubstr("--ctx-size")));
  EXPECT_EQ(oracle_.asked(), 0U);
}

TEST_F(MakePlan, AContextThatNoMachineHoldsIsNotEvenAsked) {
  request_.base.context.n_ctx = kLargestContext + 1;
  const auto wanted = make();
  ASSERT_FALSE(wanted);
  EXPECT_EQ(wanted.error().kind, ErrorKind::usage);
  EXPECT_THAT(wanted.error().message, HasSubstr("--ctx-size 16777217"));
  request_.base.context.n_ctx = 4096;
  request_.contexts = {4096, kLargestContext + 1};
  const auto column = make();
  ASSERT_FALSE(column);
  EXPECT_THAT(column.error().message, HasSubstr("--contexts 16777217"));
  EXPECT_EQ(oracle_.asked(), 0U);
}

TEST_F(MakePlan, ATrainedContextThatCannotBeTrueIsNotAskedEither) {
  info_.n_ctx_train = std::numeric_limits<int>::max();
  request_.budgets = budget_of(100 * kGiB);
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  for (const auto& call : oracle_.calls) {
    for (const Config& config : call) EXPECT_LE(config.context.n_ctx, kLargestContext);
  }
}

TEST_F(MakePlan, CardsAreJudgedAtTheWantedContextOrTheNextBelow) {
  const auto layers_at = [&](std::uint32_t wanted, std::vector<std::uint32_t> columns) {
    request_.base.context.n_ctx = wanted;
    request_.contexts = std::move(columns);
    oracle_.model.blocks.assign(16, {600 * kMiB, 0, 0, 8192, 8192, 1U << 31U, 0});
    return make().value().classes.front().performance_layers;
  };
  EXPECT_EQ(layers_at(4096, {2048, 4096, 8192}), layers_at(5000, {2048, 4096, 8192}));
  EXPECT_LT(layers_at(8192, {2048, 4096, 8192}), layers_at(2048, {2048, 4096, 8192}));
  EXPECT_EQ(layers_at(1024, {2048}), layers_at(2048, {2048})) << "none below: the smallest";
}

TEST_F(MakePlan, AnErrorOfTheSourceEndsIt) {
  const MapSource broken = [](const std::vector<Config>&) -> Result<std::vector<PlannedMemory>> {
    return error(ErrorKind::interrupted, "cancelled");
  };
  const auto plan = make_plan(request_, info_, broken);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::interrupted);
}

// ---- what llama-server keeps of its own

TEST_F(MakePlan, TheServersCachesGetWhatTheHostHasLeft) {
  request_.budgets = budget_of(100 * kGiB);
  request_.budgets->host = {std::uint64_t{64 * kGiB}, 0, "available now"};
  EXPECT_EQ(make()->request.base.server, ServerSettings{}) << "all of it fits";

  const std::uint64_t model = find_device(make()->wanted.memory, kHostDeviceId)->total_bytes();
  request_.budgets->host = {model + 3 * kGiB, 1 * kGiB, "available now"};
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->server_room_bytes, Reading<std::uint64_t>(2 * kGiB));
  EXPECT_EQ(plan->checkpoint_bytes, Reading<std::uint64_t>(std::uint64_t{0}));
  EXPECT_EQ(plan->request.base.server, (ServerSettings{2048, 32}));
  EXPECT_EQ(plan->recommended->server, (ServerSettings{2048, 32}));
}

TEST_F(MakePlan, ChangesThatMoveThingsToTheHostLeaveLessForTheServer) {
  request_.budgets = budget_of(needed(17, 4096) - 600 * kMiB);
  request_.budgets->host = {std::uint64_t{4 * kGiB}, 0, "available now"};
  const auto plan = make();
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_FALSE(plan->changes.empty());
  for (const Change& change : plan->changes) {
    const std::uint64_t there = find_device(change.planned.memory, kHostDeviceId)->total_bytes();
    EXPECT_LE(there + prompt_cache_bytes(change.config.server), 4 * kGiB);
    EXPECT_GT(there + prompt_cache_bytes(change.config.server), 4 * kGiB - 128 * kMiB);
  }
}

TEST_F(MakePlan, ServerSettingsThatWereAskedForStay) {
  request_.budgets = budget_of(100 * kGiB);
  request_.budgets->host = {std::uint64_t{1 * kGiB}, 0, "available now"};
  request_.base.server = {4096, 8};
  request_.cache_ram_is_default = false;
  request_.checkpoints_are_default = false;
  EXPECT_EQ(make()->request.base.server, (ServerSettings{4096, 8}));
}

TEST_F(MakePlan, WhereNobodyKnowsTheHostTheServersOwnSettingsStay) {
  request_.budgets = budget_of(100 * kGiB);
  EXPECT_EQ(make()->request.base.server, ServerSettings{});
  EXPECT_FALSE(make()->server_room_bytes);
}

}  // namespace
}  // namespace sweetspot::plan
