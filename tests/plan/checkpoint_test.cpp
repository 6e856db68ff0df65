#include "plan/checkpoint.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"
#include "plan/fake_oracle.hpp"

namespace sweetspot::plan {
namespace {

constexpr std::uint64_t kRow = 4096;  // of fake::Block: 1024 values of K and of V, two bytes each

class Checkpoint : public testing::Test {
 protected:
  Checkpoint() { config_.context.n_ctx = 8192; }

  std::uint64_t bytes() {
    const auto one = checkpoint_bytes(config_, oracle_.source());
    if (!one || !*one) {
      ADD_FAILURE() << (one ? one->reason() : one.error().message);
      return 0;
    }
    return **one;
  }
  void slide(std::size_t block, std::uint32_t window) {
    oracle_.model.blocks[block].slides = window;
  }

  fake::Oracle oracle_{fake::uniform(6), {}, {}};
  Config config_;
};

TEST_F(Checkpoint, ACacheThatCanBeCutNeedsNone) {
  EXPECT_EQ(bytes(), 0U);
  EXPECT_LE(oracle_.asked(), 3U) << "and that is soon known";
}

TEST_F(Checkpoint, OfASlidingWindowTheWindowIsCopiedAndNotTheRoomBesideIt) {
  for (const std::uint32_t window : {128U, 256U, 512U, 1024U, 4096U}) {
    for (const std::uint32_t piece : {64U, 128U, 512U, 2048U}) {
      for (std::size_t block = 0; block < 5; ++block) slide(block, window);
      config_.context.n_ubatch = piece;
      EXPECT_EQ(bytes(), 5 * window * kRow) << window << " " << piece;
    }
  }
  slide(0, 1000);
  for (std::size_t block = 1; block < 5; ++block) slide(block, 0);
  EXPECT_GE(bytes(), 1000 * kRow);
  EXPECT_LE(bytes(), 1024 * kRow) << "to 32 tokens";
  EXPECT_LE(oracle_.calls.back().size(), 8U);
}

TEST_F(Checkpoint, AContextInsideTheWindowIsCopiedWhole) {
  slide(0, 4096);
  config_.context.n_ctx = 2048;
  EXPECT_EQ(bytes(), 2048 * kRow);
}

TEST_F(Checkpoint, AWholeCacheOfTheWindowsLayersCanBeCut) {
  slide(0, 1024);
  config_.context.swa_full = true;
  EXPECT_EQ(bytes(), 0U);
}

TEST_F(Checkpoint, ARecurrentStateIsCopiedWhole) {
  oracle_.model.blocks[2].k_values = oracle_.model.blocks[2].v_values = 0;
  oracle_.model.blocks[2].state_bytes = 12 * kMiB;
  EXPECT_EQ(bytes(), 12 * kMiB);
  config_.context.n_parallel = 4;
  EXPECT_EQ(bytes(), 3 * kMiB) << "each sequence has its part of the states";
}

TEST_F(Checkpoint, WhatLlamaCppRefusesHasNoSize) {
  config_.context.flash_attn = FlashAttention::off;
  config_.context.type_v = "q8_0";
  const auto one = checkpoint_bytes(config_, oracle_.source());
  ASSERT_TRUE(one);
  ASSERT_FALSE(*one);
  EXPECT_NE(one->reason().find("flash"), std::string::npos);
}

}  // namespace
}  // namespace sweetspot::plan
