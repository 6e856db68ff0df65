#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "ground/bytes.hpp"
#include "plan/answers.hpp"
#include "plan/fake_oracle.hpp"
#include "plan/ladder.hpp"
#include "plan/one_budget.hpp"

namespace sweetspot::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Case {
  fake::Oracle oracle;
  ModelInfo info;
  Config config;

  [[nodiscard]] PlannedMemory now() const { return oracle.answer(config); }
  std::vector<Change> changes(const Budgets& budgets) {
    oracle.calls.clear();
    const auto answer = changes_that_fit(config, info, budgets, oracle.source());
    EXPECT_TRUE(answer);
    return answer.value_or(std::vector<Change>{});
  }
  /// With so much less on the device than the config takes.
  std::vector<Change> changes_missing(std::uint64_t bytes) {
    return changes(budget_of(offloaded_bytes(now().memory) - bytes));
  }
};

Case dense() {
  Case it{{fake::uniform(32), {}, {}}, {}, {}};
  for (fake::Block& block : it.oracle.model.blocks) block.ffn_bytes = 60 * kMiB;
  it.info = fake::info_of(it.oracle.model);
  it.config.context.n_ctx = 32768;
  return it;
}

/// 8 of 64 experts are used.
Case with_experts() {
  Case it = dense();
  for (fake::Block& block : it.oracle.model.blocks) {
    block.ffn_bytes = 0;
    block.expert_bytes = 64 * kMiB;
  }
  it.info = fake::info_of(it.oracle.model);
  it.info.n_expert = 64;
  it.info.n_expert_used = 8;
  return it;
}

std::vector<ChangeKind> kinds(const std::vector<Change>& changes) {
  std::vector<ChangeKind> kinds;
  for (const Change& change : changes) kinds.push_back(change.kind);
  return kinds;
}

const Change* of_kind(const std::vector<Change>& changes, ChangeKind kind) {
  for (const Change& change : changes) {
    if (change.kind == kind) return &change;
  }
  ADD_FAILURE() << "no " << to_string(kind);
  static const Change none;
  return &none;
}

TEST(Changes, HaveNames) {
  EXPECT_EQ(to_string(ChangeKind::smaller_ubatch), "smaller-ubatch");
  EXPECT_EQ(to_string(ChangeKind::quantized_cache), "quantized-cache");
  EXPECT_EQ(to_string(ChangeKind::experts_to_cpu), "experts-to-cpu");
  EXPECT_EQ(to_string(ChangeKind::ffn_to_cpu), "ffn-to-cpu");
  EXPECT_EQ(to_string(ChangeKind::fewer_layers), "fewer-layers");
  EXPECT_EQ(to_string(ChangeKind::shorter_context), "shorter-context");
  EXPECT_EQ(to_string(ChangeKind::cache_to_cpu), "cache-to-cpu");
}

TEST(Changes, NoneForWhatFits) {
  Case it = dense();
  EXPECT_THAT(it.changes_missing(0), IsEmpty());
  EXPECT_EQ(it.oracle.asked(), 1U);
}

TEST(Changes, NoneForWhatIsRefused) {
  Case it = dense();
  it.config.context.flash_attn = FlashAttention::off;
  it.config.context.type_v = "q8_0";
  EXPECT_THAT(it.changes(budget_of(1)), IsEmpty());
}

TEST(Changes, NoneWhereNothingHelps) {
  Case it = dense();
  EXPECT_THAT(it.changes(budget_of(1)), IsEmpty());
}

TEST(Changes, AreOrderedByWhatTheCpuReads) {
  Case it = dense();
  EXPECT_THAT(kinds(it.changes_missing(20 * kMiB)),
              ElementsAre(ChangeKind::smaller_ubatch, ChangeKind::quantized_cache,
                          ChangeKind::shorter_context, ChangeKind::ffn_to_cpu,
                          ChangeKind::fewer_layers, ChangeKind::cache_to_cpu));
  Case experts = with_experts();
  EXPECT_THAT(kinds(experts.changes_missing(20 * kMiB)),
              ElementsAre(ChangeKind::smaller_ubatch, ChangeKind::quantized_cache,
                          ChangeKind::shorter_context, ChangeKind::experts_to_cpu,
                          ChangeKind::fewer_layers, ChangeKind::cache_to_cpu));
}

TEST(Changes, FitAndTheMilderOneDoesNot) {
  for (const std::uint64_t missing : {1 * kMiB, 100 * kMiB, 700 * kMiB, 1600 * kMiB}) {
    for (Case it : {dense(), with_experts()}) {
      const Budgets budgets = budget_of(offloaded_bytes(it.now().memory) - missing);
      for (const Change& change : it.changes(budgets)) {
        SCOPED_TRACE(to_string(change.kind));
        EXPECT_TRUE(fit_of(change.planned, budgets).fits);
        EXPECT_EQ(change.planned, it.oracle.answer(change.config));
        EXPECT_EQ(change.freed_bytes,
                  offloaded_bytes(it.now().memory) - offloaded_bytes(change.planned.memory));
        Config milder = change.config;
        switch (change.kind) {
          case ChangeKind::smaller_ubatch:
            milder.context.n_ubatch *= 2;
            break;
          case ChangeKind::experts_to_cpu:
            milder.placement.n_cpu_moe -= 1;
            break;
          case ChangeKind::ffn_to_cpu:
            milder.placement.n_cpu_ffn -= 1;
            break;
          case ChangeKind::fewer_layers:
            milder.placement.n_gpu_layers += 1;
            break;
          case ChangeKind::shorter_context:
            milder.context.n_ctx += 256;
            break;
          case ChangeKind::quantized_cache:
          case ChangeKind::cache_to_cpu:
            continue;
        }
        EXPECT_FALSE(fit_of(it.oracle.answer(milder), budgets).fits);
        EXPECT_TRUE(milder == it.config || it.oracle.was_asked(milder) ||
                    milder.placement.n_gpu_layers == 33);
      }
      EXPECT_LE(it.oracle.calls.size(), 4U);
    }
  }
}

TEST(Changes, UbatchIsHalvedDownTo64) {
  Case it = dense();
  const Change change = *of_kind(it.changes_missing(30 * kMiB), ChangeKind::smaller_ubatch);
  EXPECT_EQ(change.config.context.n_ubatch, 256U);
  EXPECT_EQ(change.host_bytes_per_token, 0U);
  EXPECT_EQ(change.to_host_bytes, 0U);
  for (const auto& call : it.oracle.calls) {
    for (const Config& config : call) EXPECT_GE(config.context.n_ubatch, 64U);
  }
  // llama.cpp computes no more at once than it is given.
  it.config.context.n_ubatch = 2048;
  it.config.context.n_batch = 256;
  it.changes_missing(50 * kMiB);
  for (const auto& call : it.oracle.calls) {
    for (const Config& config : call) {
      EXPECT_TRUE(config.context.n_ubatch == 2048 || config.context.n_ubatch < 256);
    }
  }
}

TEST(Changes, CacheTypesOnlyGetSmaller) {
  Case it = dense();
  it.config.context.flash_attn = FlashAttention::off;
  const Change first = *of_kind(it.changes_missing(20 * kMiB), ChangeKind::quantized_cache);
  EXPECT_EQ(first.config.context.type_k, "q8_0");
  EXPECT_EQ(first.config.context.type_v, "q8_0");
  EXPECT_EQ(first.config.context.flash_attn, FlashAttention::on);

  const Change second = *of_kind(it.changes_missing(2500 * kMiB), ChangeKind::quantized_cache);
  EXPECT_EQ(second.config.context.type_k, "q4_0");

  it.config.context.flash_attn = FlashAttention::on;
  it.config.context.type_k = "q5_1";
  const Change mixed = *of_kind(it.changes_missing(20 * kMiB), ChangeKind::quantized_cache);
  EXPECT_EQ(mixed.config.context.type_k, "q5_1");
  EXPECT_EQ(mixed.config.context.type_v, "q8_0");

  it.config.context.type_k = it.config.context.type_v = "q4_0";
  EXPECT_THAT(kinds(it.changes_missing(20 * kMiB)),
              ::testing::Not(::testing::Contains(ChangeKind::quantized_cache)));
}

TEST(Changes, DenseBlocksCountWhole) {
  Case it = dense();
  const auto changes = it.changes_missing(150 * kMiB);
  const Change ffn = *of_kind(changes, ChangeKind::ffn_to_cpu);
  EXPECT_EQ(ffn.config.placement.n_cpu_ffn, 3);
  EXPECT_EQ(ffn.host_bytes_per_token, 180 * kMiB);
  EXPECT_EQ(ffn.to_host_bytes, 180 * kMiB);
  EXPECT_EQ(ffn.freed_bytes, 180 * kMiB);

  const Change fewer = *of_kind(changes, ChangeKind::fewer_layers);
  EXPECT_EQ(fewer.config.placement.n_gpu_layers, 32);
  const std::uint64_t cache = 4096ULL * 32768;  // K and V of one block in f16
  EXPECT_EQ(fewer.host_bytes_per_token, 100 * kMiB + cache);
}

TEST(Changes, ExpertsCountAsFarAsTheyAreUsed) {
  Case it = with_experts();
  const auto changes = it.changes_missing(150 * kMiB);
  const Change experts = *of_kind(changes, ChangeKind::experts_to_cpu);
  EXPECT_EQ(experts.config.placement.n_cpu_moe, 3);
  EXPECT_EQ(experts.freed_bytes, 3 * 64 * kMiB);
  EXPECT_EQ(experts.host_bytes_per_token, 3 * 8 * kMiB);

  const Change fewer = *of_kind(changes, ChangeKind::fewer_layers);
  EXPECT_EQ(fewer.host_bytes_per_token, (100 - 64 + 8) * kMiB + 4096ULL * 32768);
}

TEST(Changes, ExpertsAlreadyOnTheCpuDoNotCountAgain) {
  Case it = with_experts();
  it.config.placement.n_cpu_moe = 10;
  const Change fewer = *of_kind(it.changes_missing(150 * kMiB), ChangeKind::fewer_layers);
  EXPECT_EQ(fewer.config.placement.n_gpu_layers, 32);
  EXPECT_EQ(fewer.host_bytes_per_token, (100 - 64) * kMiB + 4096ULL * 32768);
}

TEST(Changes, TheWholeCacheCountsWhereItGoesToTheHost) {
  Case it = dense();
  const Change cache = *of_kind(it.changes_missing(3 * kGiB), ChangeKind::cache_to_cpu);
  EXPECT_FALSE(cache.config.context.kv_offload);
  EXPECT_EQ(cache.host_bytes_per_token, 32 * 4096ULL * 32768);
  it.config.context.kv_offload = false;
  EXPECT_THAT(kinds(it.changes_missing(20 * kMiB)),
              ::testing::Not(::testing::Contains(ChangeKind::cache_to_cpu)));
}

TEST(Changes, CacheToCpuIsLastEvenWhereItReadsLeast) {
  Case it = dense();
  it.config.context.n_ctx = 256;
  const auto changes = it.changes_missing(20 * kMiB);
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes.back().kind, ChangeKind::cache_to_cpu);
  EXPECT_LT(changes.back().host_bytes_per_token,
            of_kind(changes, ChangeKind::fewer_layers)->host_bytes_per_token);
}

TEST(Changes, CountFromTheEffectiveLayers) {
  Case it = dense();
  it.config.placement.n_gpu_layers = 20;
  const Change some = *of_kind(it.changes_missing(1), ChangeKind::fewer_layers);
  EXPECT_EQ(some.config.placement.n_gpu_layers, 19);
  for (const int all : {-1, 33, 99}) {
    it.config.placement.n_gpu_layers = all;
    const Change fewer = *of_kind(it.changes_missing(1), ChangeKind::fewer_layers);
    EXPECT_EQ(fewer.config.placement.n_gpu_layers, 32) << all;
  }
}

TEST(Changes, ContextsAreShortenedFromTheModelsOwnWhereNoneIsAsked) {
  Case it = dense();
  it.config.context.n_ctx = 0;
  it.oracle.twist = [&](const Config& config, PlannedMemory& planned) {
    if (config.context.n_ctx > 0) return;
    Config real = config;
    real.context.n_ctx = 32768;
    planned = fake::place(it.oracle.model, real);
  };
  const Change change = *of_kind(it.changes_missing(1), ChangeKind::shorter_context);
  EXPECT_EQ(change.config.context.n_ctx, 32512U);
}

TEST(Changes, OfMemoryOnTheHostHelpTheHost) {
  Case it = dense();
  it.config.placement.n_gpu_layers = 0;
  Budgets budgets = budget_of(100 * kGiB);
  const PlannedMemory now = it.now();
  budgets.host.available_bytes = find_device(now.memory, kHostDeviceId)->private_bytes() - kGiB;
  const auto changes = it.changes(budgets);
  EXPECT_THAT(kinds(changes),
              ElementsAre(ChangeKind::quantized_cache, ChangeKind::shorter_context));
  // The weights are not mapped now: what would move them to a host without room is no help.
  it = dense();
  it.oracle.model.mapped = false;
  budgets = budget_of(offloaded_bytes(it.now().memory) - 20 * kMiB);
  const PlannedMemory before = it.now();
  budgets.host.available_bytes = find_device(before.memory, kHostDeviceId)->private_bytes();
  EXPECT_THAT(kinds(it.changes(budgets)),
              ElementsAre(ChangeKind::smaller_ubatch, ChangeKind::quantized_cache,
                          ChangeKind::shorter_context));
}

TEST(Changes, ErrorsOfTheSourceArePassedOn) {
  Case it = dense();
  for (int failing = 0; failing < 2; ++failing) {
    int call = 0;
    const auto source = it.oracle.source();
    const auto answer = changes_that_fit(
        it.config, it.info, budget_of(kGiB),
        [&](const std::vector<Config>& configs) -> Result<std::vector<PlannedMemory>> {
          if (call++ == failing) return error(ErrorKind::internal, "the worker is gone");
          return source(configs);
        });
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message, "the worker is gone");
  }
  const auto none = changes_that_fit(it.config, it.info, budget_of(kGiB),
                                     [](const auto&) { return std::vector<PlannedMemory>{}; });
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::internal);
}

RC_GTEST_PROP(LadderProperty, FindsTheMildestRungThatIsEnough, ()) {
  const int rungs = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 3000));
  const int enough = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, 3001));
  Ladder ladder(ChangeKind::fewer_layers, rungs, [](int) { return Config{}; });
  int rounds = 0;
  for (auto next = ladder.next_rungs(); !next.empty(); next = ladder.next_rungs()) {
    RC_ASSERT(next.size() <= 8U);
    RC_ASSERT(++rounds <= 5);
    for (const int rung : next) {
      RC_ASSERT(rung >= 0 && rung < rungs);
      ladder.tell(rung, rung >= enough, {{}, static_cast<std::uint32_t>(rung), {}});
    }
  }
  RC_ASSERT(ladder.mildest() == (enough < rungs ? std::optional(enough) : std::nullopt));
  if (enough < rungs) RC_ASSERT(ladder.planned().n_ctx == static_cast<std::uint32_t>(enough));
}

}  // namespace
}  // namespace sweetspot::plan
