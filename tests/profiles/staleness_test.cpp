// R41: every part of the fingerprint, flipped alone, is noticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "profiles/choose.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace sweetspot::profiles::testing;  // NOLINT(google-build-using-namespace): test data
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Flip {
  const char* what;
  std::function<void(ProfileSet&, LiveMachine&)> change;
  bool usable;
  bool widens;
  const char* words;
};

class StalenessFlips : public ::testing::TestWithParam<Flip> {};

TEST(Staleness, NothingChanged) {
  const Staleness result = staleness(one_card(), live_card(kGiB));
  EXPECT_THAT(result.changed, IsEmpty());
  EXPECT_TRUE(result.usable);
  EXPECT_FALSE(result.widens);
}

TEST_P(StalenessFlips, AreNoticed) {
  ProfileSet set = one_card();
  LiveMachine live = live_card(8 * kGiB);
  GetParam().change(set, live);
  const Staleness result = staleness(set, live);
  ASSERT_THAT(result.changed, SizeIs(1));
  EXPECT_THAT(result.changed[0], HasSubstr(GetParam().words));
  EXPECT_EQ(result.usable, GetParam().usable);
  EXPECT_EQ(result.widens, GetParam().widens);
  const Choice choice = choose(set, live, {});
  EXPECT_EQ(choice.usable, GetParam().usable);
  EXPECT_EQ(choice.profile.has_value(), GetParam().usable);
  EXPECT_EQ(choice.stale, result.changed);
}

INSTANTIATE_TEST_SUITE_P(
    All, StalenessFlips,
    ::testing::Values(
        Flip{"model", [](auto&, auto& live) { live.model->digest = "f"; }, false, true,
             "the model file is another one"},
        Flip{"model_size", [](auto&, auto& live) { live.model->size_bytes = 1; }, false, true,
             "the model file is another one"},
        Flip{"llama_cpp", [](auto&, auto& live) { live.llama_cpp = "0.8.0"; }, true, true,
             "llama.cpp was 0.7.0 build 1, is 0.8.0"},
        Flip{"engine",
             [](auto& set, auto& live) {
               set.fingerprint.llama_cpp = "0.7.0 build 1 (x), 0123456789abcdef";
               live.llama_cpp = "0.8.0 build 2 (y), fedcba9876543210";
             },
             true, true, "llama.cpp was 0.7.0 build 1 (x), is 0.8.0 build 2 (y)"},
        Flip{"engine_file",
             [](auto& set, auto& live) {
               set.fingerprint.llama_cpp = "0.7.0 build 1 (x), 0123456789abcdef";
               live.llama_cpp = "0.7.0 build 1 (x), fedcba9876543210";
             },
             true, true, "program is another one than it was, of the same version (0.7.0 build 1"},
        Flip{"driver", [](auto&, auto& live) { live.devices[0].driver_version = std::string("1"); },
             true, true, "the driver of CUDA0 was 550.54, is 1"},
        Flip{"uuid", [](auto&, auto& live) { live.devices[0].uuid = std::string("GPU-2"); }, false,
             true, "CUDA0 was NVIDIA Test GPU, is NVIDIA Test GPU"},
        Flip{"total", [](auto&, auto& live) { live.devices[0].memory_total_bytes = 12 * kGiB; },
             false, true, "had 8.00 GiB of memory, has 12.00 GiB"},
        Flip{"power", [](auto&, auto& live) { live.devices[0].power_limit_w = 60.0; }, true, false,
             "the power limit of CUDA0 was 100 W, is 60 W"},
        Flip{"environment",
             [](auto&, auto& live) { live.environment = std::vector<std::string>(); }, true, true,
             "the environment was GGML_X=1, is empty"},
        Flip{"tool", [](auto& set, auto&) { set.fingerprint.tool = "0.0.1"; }, true, true,
             "sweetspot was 0.0.1"},
        Flip{"cpu", [](auto&, auto& live) { live.cpu = "B"; }, true, false,
             "the processor was A processor, is B"},
        Flip{"name", [](auto&, auto& live) { live.devices[0].id = "CUDA3"; }, true, true,
             "is CUDA3 now"},
        Flip{"gone", [](auto&, auto& live) { live.devices.clear(); }, true, true,
             "CUDA0 is not here"}),
    [](const auto& flip) { return std::string(flip.param.what); });

TEST(Staleness, WhatNobodyKnowsIsNotCompared) {
  LiveMachine live;
  LiveDevice device;
  device.pci_bus_id = std::string("0000:01:00.0");
  live.devices = {device};
  EXPECT_THAT(staleness(one_card(), live).changed, IsEmpty());
  ProfileSet set = one_card();
  set.fingerprint = {};
  set.fingerprint.environment = {"GGML_X=1"};
  set.devices[0].uuid = Absence{"not read"};
  set.devices[0].driver_version = Absence{"not read"};
  set.devices[0].memory_total_bytes = Absence{"not read"};
  set.devices[0].power_limit_w = Absence{"not read"};
  EXPECT_THAT(staleness(set, live_card(kGiB)).changed, IsEmpty());
}

TEST(Staleness, TwoDriversViewsOfOneCardAreOneCard) {
  LiveMachine live = live_card(kGiB);
  live.devices[0].memory_total_bytes = 8 * kGiB - 80 * kMiB;  // CUDA counts less than NVML
  EXPECT_THAT(staleness(one_card(), live).changed, IsEmpty());
  live.devices[0].memory_total_bytes = std::uint64_t{0};  // a driver that failed
  EXPECT_THAT(staleness(one_card(), live).changed, IsEmpty());
}

}  // namespace
}  // namespace sweetspot::profiles
