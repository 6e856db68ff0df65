#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/choose.hpp"
#include "profiles/make_set.hpp"
#include "sets.hpp"

namespace sweetspot::profiles {
namespace {

using namespace sweetspot::profiles::testing;  // NOLINT(google-build-using-namespace): test data
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LiveMachine card(std::uint64_t total_bytes, std::uint64_t free_bytes) {
  LiveMachine live = live_card(free_bytes);
  live.devices[0].id.clear();
  live.devices[0].memory_total_bytes = total_bytes;
  return live;
}

// A 7B model as Q4_K_M.
const ModelKey kModel{"/models/7b.gguf", 4'370'000'000, "0123456789abcdef"};

std::string pick(const ModelKey& model, const LiveMachine& live, const Requirements& wanted = {}) {
  LiveMachine same = live;
  same.model = model;
  const ProfileSet set = default_set(model, same);
  return chosen(set, choose(set, same, wanted));
}

TEST(DefaultSet, IsTheNotesFour) {
  const ProfileSet set = default_set(kModel, card(8 * kGiB, 8 * kGiB));
  ASSERT_EQ(set.profiles.size(), 4U);
  const auto values = [&](std::size_t i) {
    const Config& config = set.profiles[i].config;
    return std::vector<int>{config.placement.n_gpu_layers, static_cast<int>(config.context.n_ctx),
                            static_cast<int>(config.context.n_batch)};
  };
  EXPECT_THAT(values(0), ElementsAre(40, 4096, 512));
  EXPECT_THAT(values(1), ElementsAre(30, 2048, 256));
  EXPECT_THAT(values(2), ElementsAre(20, 2048, 256));
  EXPECT_THAT(values(3), ElementsAre(0, 2048, 128));
  for (const SavedProfile& profile : set.profiles) {
    EXPECT_EQ(profile.origin, Origin::defaults);
    EXPECT_FALSE(profile.tokens_per_second);
    EXPECT_FALSE(profile.recommended_for.empty());
  }
  EXPECT_EQ(set.devices[0].id, "0000:01:00.0");
}

TEST(DefaultSet, TheCardSaysWhatIsWishedFor) {
  EXPECT_EQ(pick(kModel, card(8 * kGB, 8 * kGB)), "performance");
  EXPECT_EQ(pick(kModel, card(8 * kGB - 1, 8 * kGB - 1)), "balanced");
  const ModelKey small{"/models/small.gguf", kGB, "1"};
  EXPECT_EQ(pick(small, card(4 * kGB, 4 * kGB)), "balanced");
  EXPECT_EQ(pick(small, card(4 * kGB - 1, 4 * kGB - 1)), "fast");
  const LiveMachine live = card(6 * kGB, 6 * kGB);
  const ProfileSet set = default_set(small, live);
  LiveMachine same = live;
  same.model = small;
  EXPECT_THAT(choose(set, same, {}).passed[0].why_not, HasSubstr("for cards with 8 GB or more"));
}

TEST(DefaultSet, WhatIsFreeDecidesHowMuchSmaller) {
  EXPECT_EQ(pick(kModel, card(24 * kGB, 24 * kGB)), "performance");
  EXPECT_EQ(pick(kModel, card(8 * kGB, 6'900 * 1'000'000ULL)), "balanced");
  EXPECT_EQ(pick(kModel, card(8 * kGB, 5'500 * 1'000'000ULL)), "fast");
  EXPECT_EQ(pick(kModel, card(8 * kGB, 2 * kGB)), "cpu_fallback");
  EXPECT_EQ(pick({"/models/70b.gguf", 40 * kGB, "2"}, card(24 * kGB, 24 * kGB)), "cpu_fallback");
}

TEST(DefaultSet, WithoutAModelTheNotesFiguresDecide) {
  const ModelKey unknown;
  EXPECT_EQ(pick(unknown, card(8 * kGB, 8 * kGB)), "performance");
  EXPECT_EQ(pick(unknown, card(8 * kGB, 6 * kGB)), "balanced");
  EXPECT_EQ(pick(unknown, card(8 * kGB, 4'500 * 1'000'000ULL)), "fast");
  EXPECT_EQ(pick(unknown, card(8 * kGB, 3 * kGB)), "cpu_fallback");
}

TEST(DefaultSet, WithoutACardTheCpuIsLeft) {
  LiveMachine none = live_card(0);
  none.devices.clear();
  EXPECT_EQ(pick(kModel, none), "cpu_fallback");
}

TEST(DefaultSet, TheRoomiestCardCounts) {
  LiveMachine live = card(24 * kGB, kGB);
  LiveDevice second = live.devices[0];
  second.pci_bus_id = std::string("0000:02:00.0");
  second.uuid = std::string("GPU-2");
  second.memory_total_bytes = 8 * kGB;
  second.memory_free_bytes = 8 * kGB;
  live.devices.push_back(second);
  EXPECT_EQ(pick(kModel, live), "performance");
}

TEST(DefaultSet, ReportsCountHereToo) {
  LiveMachine live = card(8 * kGB, 8 * kGB);
  live.model = kModel;
  ProfileSet set = default_set(kModel, live);
  set.reports = {report("performance", LoadResult::out_of_memory, 8 * kGB)};
  const Choice choice = choose(set, live, {});
  EXPECT_EQ(chosen(set, choice), "balanced");
  EXPECT_THAT(names(set, choice.below), ElementsAre("fast", "cpu_fallback"));
}

TEST(DefaultSet, NeedsGrowWithLayersAndStopAtAllOfThem) {
  SavedProfile profile = saved("mine", 0, {}, 2048);
  EXPECT_EQ(default_need_bytes(profile, kModel), 0U);
  std::uint64_t last = 0;
  for (int layers = 1; layers <= kUsualLayers; ++layers) {
    profile.config.placement.n_gpu_layers = layers;
    profile.config.placement.devices.clear();
    EXPECT_GT(default_need_bytes(profile, kModel), last);
    last = default_need_bytes(profile, kModel);
  }
  for (const int all : {99, -1}) {
    profile.config.placement.n_gpu_layers = all;
    EXPECT_EQ(default_need_bytes(profile, kModel), last);
  }
}

}  // namespace
}  // namespace sweetspot::profiles
