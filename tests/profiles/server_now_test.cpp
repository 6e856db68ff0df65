#include "profiles/server_now.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

class ServerNow : public ::testing::Test {
 protected:
  ServerNow() {
    set_.profiles[0].host_bytes = std::uint64_t{512 * kMiB};
    set_.profiles[0].host_mapped_bytes = std::uint64_t{512 * kMiB};
    set_.profiles[0].checkpoint_bytes = std::uint64_t{0};
  }
  ServerSettings with(std::uint64_t available_bytes) {
    live_.host_available_bytes = available_bytes;
    return server_now(set_, set_.profiles[0], live_);
  }

  ProfileSet set_ = testing::one_card();
  LiveMachine live_ = testing::live_card(7 * kGiB);
};

TEST_F(ServerNow, HasItsOwnSettingsWhereThereIsRoom) {
  EXPECT_EQ(with(64 * kGiB), ServerSettings{});
}

TEST_F(ServerNow, KeepsWithinWhatTheHostHasLeft) {
  const ServerSettings settings = with(4 * kGiB);
  EXPECT_EQ(settings.cache_ram_mib, (4096 - 1024 - 256) / 128 * 128) << "a wide margin is left";
  EXPECT_EQ(with(1 * kGiB).cache_ram_mib, 0);
}

TEST_F(ServerNow, CountsCheckpoints) {
  set_.profiles[0].checkpoint_bytes = std::uint64_t{64 * kMiB};
  EXPECT_EQ(with(4 * kGiB).n_ctx_checkpoints, 32);
  EXPECT_EQ(with(4 * kGiB).cache_ram_mib, (4096 - 1024 - 256 - 2048) / 128 * 128);
  EXPECT_LT(with(2 * kGiB).n_ctx_checkpoints, 32);
}

TEST_F(ServerNow, WhatIntegratedDevicesTakeIsTheHostsToo) {
  live_.devices[0].shares_host_memory = true;
  EXPECT_EQ(with(8 * kGiB).cache_ram_mib, (8192 - 7168 - 716) / 128 * 128)
      << "6 GiB on the device, 1 GiB on the host, a tenth of both";
}

TEST_F(ServerNow, IsLeftAloneWhereNobodyKnows) {
  live_.host_available_bytes = Absence{"not read"};
  EXPECT_EQ(server_now(set_, set_.profiles[0], live_), ServerSettings{});
  set_.profiles[0].host_bytes = Absence{"not asked"};
  EXPECT_EQ(with(1), ServerSettings{});
}

}  // namespace
}  // namespace sweetspot::profiles
