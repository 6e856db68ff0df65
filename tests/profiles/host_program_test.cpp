#include "profiles/host_program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/choose.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace sweetspot::profiles::testing;  // NOLINT(google-build-using-namespace): test data
using ::testing::HasSubstr;

using Needs = Reading<std::vector<DeviceNeed>>;

Needs needs(std::uint64_t bytes) { return std::vector<DeviceNeed>{{"CUDA0", bytes}}; }

// Its first profile needs 6 GiB in llama-server and 7 with libllama's defaults.
ProfileSet set_for_server() {
  ProfileSet set = one_card();
  set.profiles.front().needs = needs(6 * kGiB);
  set.profiles.front().libllama_needs = needs(7 * kGiB);
  set.profiles.front().host_bytes = 100 * kMiB;
  set.profiles.front().libllama_host_bytes = 200 * kMiB;
  return set;
}

TEST(HostProgram, LlamaServerHasWhatWasMeasuredForIt) {
  const ProfileSet set = set_for_server();
  EXPECT_EQ(for_host(set, HostProgram::llama_server), set);
}

TEST(HostProgram, LibllamaHasItsOwnNeeds) {
  const ProfileSet set = for_host(set_for_server(), HostProgram::libllama);
  EXPECT_EQ(set.profiles.front().needs, needs(7 * kGiB));
  EXPECT_EQ(set.profiles.front().host_bytes, Reading<std::uint64_t>(200 * kMiB));
  EXPECT_EQ(set.profiles.front().config.context.host_program, HostProgram::libllama);
}

TEST(HostProgram, ATightCardTakesASmallerProfileForLibllama) {
  const ProfileSet set = set_for_server();
  const LiveMachine live = live_card(6600 * kMiB);
  Requirements wanted;
  wanted.max_vram_percent = 100;
  const auto name_for = [&](HostProgram program) {
    const ProfileSet seen = for_host(set, program);
    return chosen(seen, choose(seen, live, wanted));
  };
  EXPECT_EQ(name_for(HostProgram::llama_server), set.profiles.front().name);
  EXPECT_NE(name_for(HostProgram::libllama), set.profiles.front().name);
}

TEST(HostProgram, WhereNobodyAskedNothingOnADeviceIsPromised) {
  ProfileSet set = one_card();
  set = for_host(std::move(set), HostProgram::libllama);
  ASSERT_FALSE(set.profiles.front().needs);
  EXPECT_THAT(set.profiles.front().needs.reason(), HasSubstr("made for llama-server"));
  EXPECT_EQ(chosen(set, choose(set, live_card(8 * kGiB), {})), "cpu_fallback");
}

TEST(HostProgram, WhatWasMadeForLibllamaIsEnoughForLlamaServer) {
  ProfileSet set = one_card();
  for (SavedProfile& profile : set.profiles) {
    profile.config.context.host_program = HostProgram::libllama;
  }
  const ProfileSet seen = for_host(set, HostProgram::llama_server);
  EXPECT_EQ(seen.profiles.front().needs, set.profiles.front().needs);
  EXPECT_EQ(seen.profiles.front().config.context.host_program, HostProgram::llama_server);
}

TEST(HostProgram, UsualValuesAreForAnyProgram) {
  ProfileSet set = one_card();
  for (SavedProfile& profile : set.profiles) profile.origin = Origin::defaults;
  const ProfileSet seen = for_host(set, HostProgram::libllama);
  EXPECT_EQ(seen.profiles.front().needs, set.profiles.front().needs);
}

}  // namespace
}  // namespace sweetspot::profiles
