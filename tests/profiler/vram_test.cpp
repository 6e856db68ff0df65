#include "profiler/vram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::profiler {
namespace {

const Reading<std::uint64_t> kNoLimit = Absence{"not set"};

DeviceUse card(std::uint64_t total, std::uint64_t before, std::uint64_t peak) {
  return {"CUDA0", true, total, before, peak};
}

MemoryMap allocated(std::uint64_t bytes) {
  return {{"CUDA0", bytes, 0, 0}, {kHostDeviceId, kGiB, 0, 0}};
}

TEST(AccountVram, TheDriversRiseCountsMoreThanLlamaCppAllocated) {
  // The difference is the driver's own: context, kernels, pools.
  const VramAccount account =
      account_vram({card(8 * kGiB, kGiB, 4 * kGiB)}, allocated(2 * kGiB), kNoLimit);
  EXPECT_EQ(account.driver_rise_bytes, 3 * kGiB);
  EXPECT_EQ(account.vram_used_bytes, 3 * kGiB);
  EXPECT_EQ(account.used_by_others_bytes, kGiB);
  EXPECT_EQ(account.source, "driver");
  EXPECT_DOUBLE_EQ(*account.vram_percent, 50.0) << "what others use counts";
}

TEST(AccountVram, ANeighbourThatFreesMemoryDoesNotMakeATrialCheaper) {
  const VramAccount account =
      account_vram({card(8 * kGiB, 3 * kGiB, 4 * kGiB)}, allocated(2 * kGiB), kNoLimit);
  EXPECT_EQ(account.driver_rise_bytes, kGiB);
  EXPECT_EQ(account.vram_used_bytes, 2 * kGiB);
  EXPECT_EQ(account.source, "llama.cpp");
  EXPECT_THAT(account.notes, testing::ElementsAre(testing::HasSubstr("CUDA0")));
}

TEST(AccountVram, FallingUseIsAbsentNotAWrappedNumber) {
  const VramAccount account =
      account_vram({card(8 * kGiB, 5 * kGiB, 4 * kGiB)}, allocated(2 * kGiB), kNoLimit);
  ASSERT_FALSE(account.driver_rise_bytes);
  EXPECT_THAT(account.driver_rise_bytes.reason(), testing::HasSubstr("fell"));
  EXPECT_EQ(account.vram_used_bytes, 2 * kGiB);
}

TEST(AccountVram, WithoutADriverLlamaCppsFigureIsUsed) {
  const DeviceUse rpc{"RPC0", false, 4 * kGiB, std::uint64_t{0}, Absence{"not read"}};
  const VramAccount account = account_vram({rpc}, {{"RPC0", kGiB, kGiB / 2, kGiB / 2}}, kNoLimit);
  EXPECT_FALSE(account.driver_rise_bytes);
  EXPECT_EQ(account.vram_used_bytes, 2 * kGiB);
  EXPECT_DOUBLE_EQ(*account.vram_percent, 50.0);
  EXPECT_EQ(account.source, "llama.cpp");
}

TEST(AccountVram, ALimitPretendsASmallerCardButNeverALargerOne) {
  const auto small = account_vram({card(80 * kGiB, 0, 3 * kGiB)}, allocated(kGiB), 6 * kGiB);
  EXPECT_DOUBLE_EQ(*small.vram_percent, 50.0);
  const auto large = account_vram({card(4 * kGiB, 0, 3 * kGiB)}, allocated(kGiB), 6 * kGiB);
  EXPECT_DOUBLE_EQ(*large.vram_percent, 75.0);
}

TEST(AccountVram, TheFullestDeviceGivesTheShare) {
  const DeviceUse a{"CUDA0", true, 10 * kGiB, kGiB, 3 * kGiB};
  const DeviceUse b{"CUDA1", true, 4 * kGiB, std::uint64_t{0}, 3 * kGiB};
  const VramAccount account =
      account_vram({a, b}, {{"CUDA0", kGiB, 0, 0}, {"CUDA1", kGiB, 0, 0}}, kNoLimit);
  EXPECT_DOUBLE_EQ(*account.vram_percent, 75.0);
  EXPECT_EQ(account.vram_used_bytes, 5 * kGiB);
}

TEST(AccountVram, NothingKnownIsAbsentEverywhere) {
  const DeviceUse unknown{"Vulkan0", false, Absence{"total is 0"}, Absence{"?"}, Absence{"?"}};
  const VramAccount account = account_vram({unknown}, {}, kNoLimit);
  EXPECT_FALSE(account.vram_used_bytes);
  EXPECT_FALSE(account.vram_percent);
  EXPECT_TRUE(account.source.empty());
  const VramAccount none = account_vram({}, {}, kNoLimit);
  EXPECT_FALSE(none.vram_percent);
}

}  // namespace
}  // namespace sweetspot::profiler
