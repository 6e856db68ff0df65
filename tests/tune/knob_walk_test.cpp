#include "tune/knob_walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tune/space.hpp"

namespace sweetspot::tune {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Wins = std::function<bool(const Config&)>;

Config start() {
  Config config;
  config.placement.n_gpu_layers = 10;
  return config;
}

KnobLimits limits() {
  KnobLimits limits;
  limits.physical_cores = 8;
  limits.logical_cores = 16;
  limits.n_prompt = 4096;
  return limits;
}

struct Walked {
  std::vector<std::string> titles;
  std::vector<Config> configs;
  Config best;
};

Walked walk(KnobWalk walk, const Wins& wins) {
  Walked walked;
  while (const auto variation = walk.ask()) {
    walked.titles.push_back(variation->title);
    walked.configs.push_back(variation->config);
    EXPECT_FALSE(variation->reason.empty());
    walk.tell(wins(variation->config));
    if (walked.titles.size() > 100) break;
  }
  walked.best = walk.best();
  return walked;
}

Walked walk_all(
    const KnobLimits& limits, const Wins& wins = [](const Config&) { return false; }) {
  return walk(KnobWalk(start(), limits), wins);
}

TEST(KnobWalk, WhereNothingWinsEachDirectionIsTriedOnceAndAllStays) {
  const Walked walked = walk_all(limits());
  EXPECT_THAT(walked.titles, ElementsAre("n_ubatch 1024", "n_ubatch 256", "n_batch of one piece",
                                         "4 threads", "16 threads", "16 threads for prompts",
                                         "flash attention off", "cache in host memory"));
  EXPECT_EQ(walked.best, start());
}

TEST(KnobWalk, PiecesGetNoSmallerThanWhatMemoryIsKnownOf) {
  const Walked walked =
      walk_all(limits(), [](const Config& config) { return config.context.n_ubatch < 512; });
  EXPECT_EQ(walked.best.context.n_ubatch, kLeastPieces);
}

TEST(KnobWalk, EveryVariationIsOneChangeAndThePlacementStays) {
  for (const Config& config : walk_all(limits()).configs) {
    EXPECT_NE(config, start());
    EXPECT_EQ(config.placement, start().placement);
    EXPECT_EQ(config.context.n_ctx, start().context.n_ctx);
  }
}

TEST(KnobWalk, GoesOnInADirectionAsLongAsItWinsAndLeavesTheOtherOut) {
  const Walked walked =
      walk_all(limits(), [](const Config& config) { return config.context.n_ubatch > 512; });
  EXPECT_THAT(walked.titles, Contains("n_ubatch 2048"));
  EXPECT_THAT(walked.titles, Not(Contains("n_ubatch 256")));
  EXPECT_EQ(walked.best.context.n_ubatch, 2048U);
  EXPECT_GE(walked.best.context.n_batch, 2048U);
}

TEST(KnobWalk, ALossAfterAWinEndsTheDirectionToo) {
  const Walked walked = walk_all(limits(), [](const Config& config) {
    return config.context.n_ubatch == 1024 && config.context.n_threads == 0 &&
           config.context.n_threads_batch == 0 && config.context.kv_offload &&
           config.context.n_batch == 2048 && config.context.flash_attn == FlashAttention::automatic;
  });
  EXPECT_THAT(walked.titles, Not(Contains("n_ubatch 256")));
  EXPECT_EQ(walked.best.context.n_ubatch, 1024U);
  EXPECT_EQ(walked.best.context.n_threads, 0);
}

TEST(KnobWalk, BuildsOnWhatHasWon) {
  const Walked walked = walk_all(limits(), [](const Config& config) {
    return config.context.n_ubatch == 256 && config.context.n_threads == 0;
  });
  EXPECT_EQ(walked.best.context.n_ubatch, 256U);
  EXPECT_EQ(walked.configs.back().context.n_ubatch, 256U) << "the later knobs vary the winner";
}

TEST(KnobWalk, FewerThreadsForGenerationLeaveThePromptItsThreads) {
  const Walked walked = walk_all(limits(), [](const Config& config) {
    return config.context.n_threads > 0 && config.context.n_threads <= 4;
  });
  EXPECT_EQ(walked.best.context.n_threads, 1);
  EXPECT_THAT(walked.titles, Contains("4 threads"));
  EXPECT_THAT(walked.titles, Contains("1 thread"));
  EXPECT_THAT(walked.titles, Not(Contains("16 threads")));
  for (const Config& config : walked.configs) {
    if (config.context.n_threads > 0) {
      EXPECT_GE(config.context.n_threads_batch, 8);
    }
  }
}

TEST(KnobWalk, NoPieceIsLargerThanItsPromptNeedsOrThanTheContext) {
  KnobLimits small = limits();
  small.n_prompt = 256;
  for (const Config& config : walk_all(small).configs) {
    EXPECT_LE(config.context.n_ubatch, 512U) << "a larger one changes nothing";
    EXPECT_NE(config.context.n_ubatch, 256U) << "nor does one that holds the prompt all the same";
  }
  const auto tried = walk_all(small).configs;
  EXPECT_TRUE(std::any_of(tried.begin(), tried.end(),
                          [](const Config& config) { return config.context.n_ubatch == 128; }));
  KnobLimits none = limits();
  none.n_prompt = 0;
  for (const Config& config : walk_all(none).configs) {
    EXPECT_EQ(config.context.n_ubatch, 512U);
    EXPECT_EQ(config.context.n_batch, start().context.n_batch);
    EXPECT_TRUE(config.context.n_threads_batch == 0 || config.context.n_threads_batch == 8)
        << "no prompt, no threads for it";
  }
  Config short_context = start();
  short_context.context.n_ctx = 512;
  const Walked walked = walk(KnobWalk(short_context, limits()), [](const Config&) { return true; });
  for (const Config& config : walked.configs) EXPECT_LE(config.context.n_ubatch, 512U);
}

TEST(KnobWalk, LeavesOutWhatCannotMatterWhereTheWorkIsDone) {
  KnobLimits device = limits();
  device.on_cpu = false;
  EXPECT_THAT(walk_all(device).titles, Not(Contains(HasSubstr("thread"))));
  KnobLimits cpu = limits();
  cpu.on_device = false;
  EXPECT_THAT(walk_all(cpu).titles, Not(Contains(HasSubstr("host memory"))));
}

TEST(KnobWalk, ASmallerCacheIsTriedOnlyWhereAllowedAndBringsFlashAttention) {
  for (const Config& config : walk_all(limits()).configs) {
    EXPECT_EQ(config.context.type_k, "f16");
    EXPECT_EQ(config.context.type_v, "f16");
  }
  KnobLimits quantized = limits();
  quantized.allow_kv_quant = true;
  const Walked walked =
      walk_all(quantized, [](const Config& config) { return config.context.type_k != "f16"; });
  EXPECT_THAT(walked.titles, Contains("q8_0 cache"));
  EXPECT_EQ(walked.best.context.type_k, "q4_0");
  EXPECT_EQ(walked.best.context.type_v, "q4_0");
  EXPECT_EQ(walked.best.context.flash_attn, FlashAttention::on);
}

// Everything wins, so that whatever may be changed is.
Walked walk_fixed(const std::string& knob, const Config& config) {
  KnobLimits fixed = limits();
  fixed.allow_kv_quant = true;
  fixed.fixed = {knob};
  return walk(KnobWalk(config, fixed), [](const Config&) { return true; });
}

TEST(KnobWalk, WhatTheUserChoseStays) {
  Config chosen = start();
  chosen.context.n_batch = 512;
  chosen.context.n_threads_batch = 6;
  chosen.context.flash_attn = FlashAttention::off;
  using Same = std::function<bool(const ContextSettings&, const ContextSettings&)>;
  const std::vector<std::pair<std::string, Same>> knobs = {
      {"n_ubatch", [](auto& a, auto& b) { return a.n_ubatch == b.n_ubatch; }},
      {"n_batch", [](auto& a, auto& b) { return a.n_batch == b.n_batch; }},
      {"n_threads", [](auto& a, auto& b) { return a.n_threads == b.n_threads; }},
      {"n_threads_batch", [](auto& a, auto& b) { return a.n_threads_batch == b.n_threads_batch; }},
      {"flash_attn", [](auto& a, auto& b) { return a.flash_attn == b.flash_attn; }},
      {"kv_offload", [](auto& a, auto& b) { return a.kv_offload == b.kv_offload; }},
      {"type_k", [](auto& a, auto& b) { return a.type_k == b.type_k; }},
      {"type_v", [](auto& a, auto& b) { return a.type_v == b.type_v; }},
  };
  for (const auto& [knob, same] : knobs) {
    SCOPED_TRACE(knob);
    const Walked walked = walk_fixed(knob, chosen);
    EXPECT_THAT(walked.configs, Not(IsEmpty()));
    for (std::size_t i = 0; i < walked.configs.size(); ++i) {
      EXPECT_TRUE(same(walked.configs[i].context, chosen.context)) << walked.titles[i];
    }
  }
}

TEST(KnobWalk, WithEveryKnobFixedItIsOver) {
  KnobLimits fixed = limits();
  fixed.allow_kv_quant = true;
  fixed.fixed = {"n_ubatch",   "n_batch",    "n_threads", "n_threads_batch",
                 "flash_attn", "kv_offload", "type_k",    "type_v"};
  EXPECT_THAT(walk_all(fixed).titles, IsEmpty());
}

TEST(KnobWalk, SaysTheSameUntilToldAndNothingAfterTheEnd) {
  KnobWalk walk(start(), limits());
  EXPECT_EQ(walk.ask()->title, walk.ask()->title);
  while (walk.ask()) walk.tell(false);
  walk.tell(true);  // too late: nothing was asked
  EXPECT_FALSE(walk.ask());
  EXPECT_EQ(walk.best(), start());
}

}  // namespace
}  // namespace sweetspot::tune
