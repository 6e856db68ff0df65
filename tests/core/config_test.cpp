#include "core/config.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(EffectiveLayers, NegativeMeansAll) { EXPECT_EQ(effective_layers(-1, 33), 33); }

TEST(EffectiveLayers, AboveTheTotalClamps) {
  EXPECT_EQ(effective_layers(43, 33), 33);
  EXPECT_EQ(effective_layers(33, 33), 33);
}

TEST(EffectiveLayers, InsideIsKept) {
  EXPECT_EQ(effective_layers(0, 33), 0);
  EXPECT_EQ(effective_layers(20, 33), 20);
}

TEST(EnumText, ReadsBackWhatItWrites) {
  for (const auto mode : {LoadMode::automatic, LoadMode::none, LoadMode::mmap, LoadMode::mlock,
                          LoadMode::mmap_mlock, LoadMode::direct_io}) {
    EXPECT_EQ(from_string<LoadMode>(to_string(mode)), mode);
  }
  EXPECT_EQ(from_string<FlashAttention>("on"), FlashAttention::on);
  EXPECT_EQ(from_string<FlashAttention>("yes"), std::nullopt);
}

TEST(ContextParts, SequencesThatShareTheCacheHaveNoPartOfTheirOwn) {
  ContextSettings context;
  EXPECT_EQ(context_parts(context), 1U);
  context.n_parallel = 4;
  EXPECT_EQ(context_parts(context), 4U);
  context.kv_unified = true;
  EXPECT_EQ(context_parts(context), 1U);
}

}  // namespace
}  // namespace sweetspot
