#include "core/server_memory.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot {
namespace {

Config of_slots(std::uint32_t slots) {
  Config config;
  config.context.n_parallel = slots;
  return config;
}

TEST(ServerMemory, TakesWhatItsSettingsAllow) {
  const Config config = of_slots(4);
  EXPECT_EQ(checkpoints_bytes(config, 10 * kMiB), 32 * 4 * 10 * kMiB);
  EXPECT_EQ(prompt_cache_bytes(config.server), 8 * kGiB);
  EXPECT_EQ(prompt_cache_bytes({0, 32}), 0U);
  EXPECT_GT(prompt_cache_bytes({-1, 32}), std::uint64_t{1} << 60U) << "no limit";
  EXPECT_GT(checkpoints_bytes(config, ~std::uint64_t{0}), std::uint64_t{1} << 60U) << "no wrap";
}

TEST(ServerMemory, WithRoomForAllNothingChanges) {
  EXPECT_EQ(settings_within(of_slots(1), 100 * kMiB, 12 * kGiB), ServerSettings{});
}

TEST(ServerMemory, CheckpointsComeBeforeThePromptCache) {
  const ServerSettings some = settings_within(of_slots(1), 100 * kMiB, 5 * kGiB);
  EXPECT_EQ(some.n_ctx_checkpoints, 32);
  EXPECT_EQ(some.cache_ram_mib, (5 * 1024 - 3200) / 128 * 128);
  const ServerSettings few = settings_within(of_slots(2), 100 * kMiB, 1 * kGiB);
  EXPECT_EQ(few.n_ctx_checkpoints, 5) << "of each of two sequences";
  EXPECT_EQ(few.cache_ram_mib, 0);
}

TEST(ServerMemory, WithoutCheckpointsTheCacheGetsTheRoom) {
  EXPECT_EQ(settings_within(of_slots(1), 0, 1000 * kMiB), (ServerSettings{896, 32}));
  EXPECT_EQ(settings_within(of_slots(1), 0, 0), (ServerSettings{0, 32}));
}

TEST(ServerMemory, NeverMoreThanAskedForAndAWishForNoLimitStays) {
  Config config = of_slots(1);
  config.server = {512, 2};
  EXPECT_EQ(settings_within(config, kMiB, 64 * kGiB), config.server);
  config.server.cache_ram_mib = -1;
  EXPECT_EQ(settings_within(config, kMiB, kGiB).cache_ram_mib, -1);
}

}  // namespace
}  // namespace sweetspot
