#include "worker/memory_guard.hpp"

#include <gtest/gtest.h>

namespace sweetspot::worker {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

TEST(MemoryGuard, GivesUpOnlyWhereLittleIsLeftAndItIsOurs) {
  EXPECT_TRUE(must_give_up({32 * kGiB, 400 * kMiB}, 30 * kGiB));
  EXPECT_FALSE(must_give_up({32 * kGiB, 600 * kMiB}, 31 * kGiB));
  EXPECT_FALSE(must_give_up({32 * kGiB, 400 * kMiB}, 2 * kGiB)) << "others took it";
}

TEST(MemoryGuard, KeepsASmallerReserveOnASmallMachine) {
  EXPECT_FALSE(must_give_up({2 * kGiB, 200 * kMiB}, kGiB + 500 * kMiB));
  EXPECT_TRUE(must_give_up({2 * kGiB, 90 * kMiB}, kGiB + 500 * kMiB));
}

#ifdef __linux__
TEST(MemoryGuard, ReadsThisMachine) {
  const auto memory = read_host_memory();
  ASSERT_TRUE(memory);
  EXPECT_GT(memory->total_bytes, 64 * kMiB);
  EXPECT_LE(memory->available_bytes, memory->total_bytes);
  EXPECT_GT(memory->available_bytes, 0U);
}
#endif

}  // namespace
}  // namespace sweetspot::worker
