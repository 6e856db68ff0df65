#include "machine/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "machine/random_pair.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

using ::testing::DoubleNear;
using ::testing::Gt;
using ::testing::Lt;

constexpr std::uint64_t kPairs = 300;

Config with_layers(int layers) {
  Config config;
  config.placement.n_gpu_layers = layers;
  return config;
}

Parts plain(int blocks = 10) {
  Parts parts;
  parts.model.blocks.assign(static_cast<std::size_t>(blocks),
                            Block{100'000'000, 0, 70'000'000, 4096});
  parts.model.output_bytes = 50'000'000;
  parts.model.embedding_bytes = 40'000'000;
  parts.device.computes_host_weights = false;
  return parts;
}

TEST(Memory, TheFirstLayerOffloadedIsTheOutputAndBlocksFollowFromTheEnd) {
  const Machine machine(plain());
  EXPECT_EQ(machine.memory(with_layers(0)).back().total_bytes(), 0U);
  const DeviceMemory one = machine.memory(with_layers(1)).back();
  EXPECT_EQ(one.model_bytes, 50'000'000U);
  EXPECT_EQ(one.context_bytes, 0U);
  EXPECT_EQ(machine.memory(with_layers(2)).back().model_bytes, 150'000'000U);
  EXPECT_EQ(machine.memory(with_layers(2)).back().context_bytes, 4096U * 4096U);
  EXPECT_EQ(machine.memory(with_layers(-1)), machine.memory(with_layers(11)));
  EXPECT_EQ(machine.memory(with_layers(-1)).front().model_bytes, 40'000'000U) << "embeddings";
}

TEST(Memory, WhatStaysOnTheProcessorCountsBlocksFromTheFirst) {
  const Machine machine(plain());
  Config config = with_layers(5);  // the last 4 of 10 blocks
  const MemoryMap all = machine.memory(config);
  config.placement.n_cpu_ffn = 6;
  EXPECT_EQ(machine.memory(config), all) << "those blocks are on the processor anyway";
  config.placement.n_cpu_ffn = 8;
  EXPECT_EQ(machine.memory(config).back().model_bytes, all.back().model_bytes - 140'000'000U);
}

TEST(Memory, GrowsWithLayersContextAndUbatchOnEveryPair) {
  for (std::uint64_t seed = 0; seed < kPairs; ++seed) {
    const Machine machine(random_pair(seed));
    std::uint64_t before = 0;
    for (int layers = 1; layers <= machine.offloadable(); ++layers) {
      const std::uint64_t now = machine.device_need(with_layers(layers)).context_bytes;
      ASSERT_GE(now, before) << "seed " << seed << ", " << layers << " layers";
      before = now;
    }
    Config larger = with_layers(machine.offloadable());
    larger.context.n_ctx *= 4;
    ASSERT_GT(machine.device_need(larger).context_bytes, before) << seed;
    larger.context.n_ubatch = 2048;
    const std::uint64_t deeper = machine.device_need(larger).context_bytes;
    ASSERT_GT(machine.device_need(larger).first_decode_bytes, before) << seed;
    larger.context.kv_offload = false;
    ASSERT_LE(machine.device_need(larger).context_bytes, deeper) << seed;
  }
}

TEST(Memory, RunsOutAtLoadAtContextAndAtTheFirstDecode) {
  Parts parts = plain();
  parts.device.driver_share_mb = 100;
  parts.device.pool_kb_per_ubatch_token = 200;
  const Config all = with_layers(-1);
  const DeviceNeed need = Machine(parts).device_need(all);
  const auto phase_with = [&](std::uint64_t bytes) {
    parts.device.memory_used_gb = 0;
    parts.device.memory_total_gb = static_cast<double>(bytes) / 1e9;
    const auto failure = Machine(parts).failure(all);
    return failure ? failure->phase : Phase::generation;
  };
  EXPECT_EQ(phase_with(need.load_bytes - 1), Phase::load);
  EXPECT_EQ(phase_with(need.load_bytes), Phase::context);
  EXPECT_EQ(phase_with(need.context_bytes - 1), Phase::context);
  EXPECT_EQ(phase_with(need.context_bytes), Phase::warm_up);
  EXPECT_EQ(phase_with(need.first_decode_bytes), Phase::generation);
}

TEST(Memory, SpillsInsteadWhereTheMachineDoes) {
  Parts parts = plain();
  const Config all = with_layers(-1);
  const double honest = Machine(parts).generation_ms(all, 0);
  parts.device.spill_factor = 6;
  parts.device.memory_total_gb = 0.8;
  const Machine machine(parts);
  EXPECT_FALSE(machine.failure(all));
  EXPECT_FALSE(machine.is_safe(all));
  EXPECT_THAT(machine.generation_ms(all, 0), Gt(2 * honest));
  EXPECT_TRUE(machine.is_safe(with_layers(0)));
}

TEST(Failure, AQuantizedValueCacheNeedsFlashAttention) {
  Config config = with_layers(0);
  config.context.type_v = "q8_0";
  config.context.flash_attn = FlashAttention::off;
  ASSERT_TRUE(Machine(plain()).failure(config));
  EXPECT_EQ(Machine(plain()).failure(config)->failure_class, FailureClass::config_rejected);
}

TEST(Time, IsAStraightLineInTheBlocksOfALinearMachine) {
  const Machine machine(plain());
  const double step =
      machine.generation_ms(with_layers(3), 0) - machine.generation_ms(with_layers(2), 0);
  for (int layers = 3; layers < machine.offloadable(); ++layers) {
    EXPECT_THAT(machine.generation_ms(with_layers(layers + 1), 0) -
                    machine.generation_ms(with_layers(layers), 0),
                DoubleNear(step, 1e-9));
  }
}

TEST(Time, AQuirkBendsTheLine) {
  for (const Quirk quirk : {Quirk::kink, Quirk::step, Quirk::hump}) {
    Parts parts = plain();
    parts.device.quirk = quirk;
    parts.device.quirk_size = 0.5;
    const Machine machine(parts);
    double most = 0;
    double least = 1e9;
    for (int layers = 2; layers < machine.offloadable(); ++layers) {
      const double step = machine.generation_ms(with_layers(layers), 0) -
                          machine.generation_ms(with_layers(layers + 1), 0);
      most = std::max(most, step);
      least = std::min(least, step);
    }
    EXPECT_THAT(most - least, Gt(0.05)) << static_cast<int>(quirk);
  }
}

TEST(Time, GrowsWithDepthAndMoreSoWithTheCacheOnTheHost) {
  const Machine machine(plain());
  Config config = with_layers(-1);
  const double shallow = machine.generation_ms(config, 0);
  const double deep = machine.generation_ms(config, 16000);
  EXPECT_THAT(deep, Gt(shallow));
  config.context.kv_offload = false;
  EXPECT_THAT(machine.generation_ms(config, 16000) - machine.generation_ms(config, 0),
              Gt(2 * (deep - shallow)));
}

TEST(Time, ThreadsHelpUpToTheCoresAndHurtBeyond) {
  const Machine machine(plain());
  Config config = with_layers(0);
  const auto ms = [&](int threads) {
    config.context.n_threads = threads;
    return machine.generation_ms(config, 0);
  };
  EXPECT_THAT(ms(4), Lt(ms(1)));
  EXPECT_THAT(ms(8), Lt(ms(4)));
  EXPECT_THAT(ms(16), Gt(ms(8)));
  EXPECT_THAT(ms(32), Gt(2 * ms(8)));
  EXPECT_DOUBLE_EQ(ms(0), ms(8)) << "0 means the physical cores";
}

TEST(Time, LargerUbatchesMakePromptsFasterUpToAPoint) {
  Parts parts = plain();
  parts.device.decline_per_doubling = 0;
  const Machine machine(parts);
  Config config = with_layers(-1);
  double before = 1e9;
  for (const std::uint32_t ubatch : {32U, 128U, 512U, 2048U}) {
    config.context.n_ubatch = ubatch;
    const double now = machine.prompt_ms_per_token(config, 2048, 0);
    EXPECT_THAT(now, Lt(before)) << ubatch;
    before = now;
  }
}

TEST(Time, ExpertsOnTheProcessorCostLessThanWholeBlocksThere) {
  Parts parts = plain();
  parts.model.n_expert = 64;
  parts.model.n_expert_used = 4;
  for (Block& block : parts.model.blocks) block = {400'000'000, 360'000'000, 0, 4096};
  const Machine machine(parts);
  Config experts = with_layers(-1);
  experts.placement.n_cpu_moe = 10;
  EXPECT_THAT(machine.generation_ms(experts, 0), Gt(machine.generation_ms(with_layers(-1), 0)));
  EXPECT_THAT(machine.generation_ms(experts, 0), Lt(machine.generation_ms(with_layers(1), 0)));
}

TEST(LoadSeconds, TheFirstReadIsSlowerAndMappedPagesAreCheap) {
  const Machine machine(plain());
  Config config = with_layers(0);
  EXPECT_THAT(machine.load_seconds(config, true), Gt(machine.load_seconds(config)));
  const double mapped = machine.load_seconds(config);
  config.placement.load_mode = LoadMode::none;
  EXPECT_THAT(machine.load_seconds(config), Gt(mapped));
}

TEST(RandomPair, IsTheSameForTheSameSeedAndCoversTheRange) {
  int processor_wins = 0;
  int fits_whole = 0;
  int experts = 0;
  for (std::uint64_t seed = 0; seed < kPairs; ++seed) {
    const Machine machine(random_pair(seed));
    const Machine again(random_pair(seed));
    int best = 0;
    for (int layers = 0; layers <= machine.offloadable(); ++layers) {
      const double ms = machine.generation_ms(with_layers(layers), 0);
      ASSERT_TRUE(std::isfinite(ms) && ms > 0) << seed;
      ASSERT_EQ(ms, again.generation_ms(with_layers(layers), 0)) << seed;
      if (!machine.is_safe(with_layers(layers))) continue;
      if (ms < machine.generation_ms(with_layers(best), 0)) best = layers;
    }
    ASSERT_TRUE(machine.is_safe(with_layers(0))) << "the processor alone always works: " << seed;
    processor_wins += static_cast<int>(best == 0);
    fits_whole += static_cast<int>(machine.is_safe(with_layers(-1)));
    experts += static_cast<int>(machine.model().n_expert > 0);
  }
  const int few = static_cast<int>(kPairs) / 30;
  EXPECT_THAT(processor_wins, Gt(few));
  EXPECT_THAT(experts, Gt(few));
  EXPECT_THAT(fits_whole, Gt(static_cast<int>(kPairs) / 5));
  EXPECT_THAT(fits_whole, Lt(static_cast<int>(kPairs) * 4 / 5));
}

TEST(RandomPair, AWishForAStraightLineIsKept) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(random_pair(seed, {true}).device.quirk, Quirk::none);
    EXPECT_NE(random_pair(seed, {false}).device.quirk, Quirk::none);
  }
}

TEST(RecordedCurve, IsTheNotesTable) {
  const Machine machine(recorded_curve());
  ASSERT_EQ(machine.offloadable(), 43);
  EXPECT_THAT(1000 / machine.generation_ms(with_layers(0), 0), DoubleNear(12.5, 1e-6));
  EXPECT_THAT(1000 / machine.generation_ms(with_layers(30), 0), DoubleNear(29.1, 1e-6));
  EXPECT_THAT(1000 / machine.generation_ms(with_layers(-1), 0), DoubleNear(35.2, 1e-6));
  EXPECT_THAT(machine.vram_percent(with_layers(20)), DoubleNear(100 * 2.85 / 6, 0.1));
  EXPECT_THAT(machine.vram_percent(with_layers(43)), DoubleNear(100 * 5.42 / 6, 0.1));
}

}  // namespace
}  // namespace sweetspot::fake
