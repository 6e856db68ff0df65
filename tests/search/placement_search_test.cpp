#include "search/placement_search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "search/tune_fixtures.hpp"

namespace sweetspot::search {
namespace {

using test::config_of;
using test::tell;
using test::trial_of;
using test::uniform_model;

constexpr int kBlocks = 30;

// Generation alone, so that a cost is a token's time.
TuneRules rules() {
  TuneRules one;
  one.objective = Objective::generation;
  one.workload = {0, 100, 0};
  return one;
}

double percent_of(const Config& config, double per_layer) {
  const int layers = config.placement.n_gpu_layers;
  const int split = std::max(0, config.placement.n_cpu_ffn - (kBlocks + 1 - layers));
  return per_layer * (layers - 0.7 * split);
}

std::vector<TuneOption> options(double per_layer) {
  std::vector<TuneOption> all;
  for (const Placement& placement : placements_of({}, uniform_model(kBlocks), true)) {
    TuneOption& option = all.emplace_back();
    option.config.placement = placement;
    option.vram_percent = percent_of(option.config, per_layer);
    option.vram_bytes = static_cast<std::uint64_t>(1e8 * *option.vram_percent);
    if (*option.vram_percent > 100) option.why_not = "needs more than there is";
  }
  return all;
}

using Curve = std::function<double(const Config&)>;

struct Searched {
  std::vector<TuneStep> steps;
  Arms arms;

  [[nodiscard]] int best_layers() const { return arms.cheapest()->config.placement.n_gpu_layers; }
};

// A search over placements alone, from `baseline` layers on.
Searched search_on(const Curve& curve, double per_layer, int baseline) {
  const TuneRules now = rules();
  TuneMemory memory(options(per_layer), kBlocks + 1, 85, true);
  const PlacementCosts costs(PlacementShape(uniform_model(kBlocks)), now, {});
  Searched searched;
  const auto measure = [&](const Config& config) {
    Trial trial = trial_of(config, curve(config), 1);
    trial.vram_percent = percent_of(config, per_layer);
    memory.learn(trial);
    searched.arms.tell(trial, searched.steps.size(), now.objective, {}, Again::faster);
  };
  measure(config_of(baseline));
  while (searched.steps.size() < 60) {
    const auto step = next_placement({memory, costs, searched.arms, now, config_of(baseline)});
    if (!step) break;
    searched.steps.push_back(*step);
    measure(step->config);
  }
  EXPECT_LT(searched.steps.size(), 60U);
  return searched;
}

double line(const Config& config, double cpu_ms, double device_ms) {
  const double share = config.placement.n_gpu_layers / (kBlocks + 1.0);
  const int split =
      std::max(0, config.placement.n_cpu_ffn - (kBlocks + 1 - config.placement.n_gpu_layers));
  const double on_device = share - 0.7 * split / (kBlocks + 1.0);
  return cpu_ms + on_device * (device_ms - cpu_ms);
}

TEST(PlacementSearch, OnALineItTakesFewLoads) {
  const Searched fast =
      search_on([](const Config& config) { return line(config, 100, 10); }, 5, 16);
  EXPECT_LE(fast.arms.cheapest()->cost->value, 1.01 * line(config_of(17), 100, 10));
  EXPECT_LE(fast.steps.size(), 5U);
}

TEST(PlacementSearch, FindsWhereADeviceBeginsToSlowDownAsItFills) {
  // All of it fits; beyond 22 layers the device needs half as long again.
  const Curve edge = [](const Config& config) {
    const double share = config.placement.n_gpu_layers / (kBlocks + 1.0);
    const double device = 40 * share * (config.placement.n_gpu_layers > 22 ? 1.9 : 1.0);
    return 100 * (1 - share) + device + 5 * (config.placement.n_cpu_ffn > 0);
  };
  const Searched searched = search_on(edge, 2, kBlocks + 1);
  EXPECT_GE(searched.best_layers(), 21);
  EXPECT_LE(searched.best_layers(), 22);
  EXPECT_LE(searched.steps.size(), 12U);
}

TEST(PlacementSearch, LooksForNoEdgeWhereTheCpuIsFarSlower) {
  const Searched searched =
      search_on([](const Config& config) { return line(config, 100, 5); }, 2, kBlocks + 1);
  for (const TuneStep& step : searched.steps) {
    EXPECT_THAT(step.reason, testing::Not(testing::HasSubstr("slow down")));
  }
}

TEST(PlacementSearch, KeepsSomePartsOfFewerLayersOnTheCpuWhereThatIsBest) {
  // Attention is worth the device, feed-forward work is not far from it, and each block on the
  // device costs its launches: neither few whole layers nor all layers are best.
  const Curve curve = [](const Config& config) {
    const int layers = config.placement.n_gpu_layers;
    if (layers == 0) return 100.0;
    const int split = std::max(0, config.placement.n_cpu_ffn - (kBlocks + 1 - layers));
    const double whole = layers - split;
    const double over = std::max(0, layers - 24);
    return 100 - 2.0 * whole - 1.7 * split + 4.0 * over;
  };
  const Searched searched = search_on(curve, 5, 16);
  const Placement& best = searched.arms.cheapest()->config.placement;
  EXPECT_GT(best.n_gpu_layers, 17);
  EXPECT_LT(best.n_gpu_layers, kBlocks + 1);
  EXPECT_GT(best.n_cpu_ffn, 0);
  EXPECT_LT(best.n_cpu_ffn, kBlocks);
}

TEST(PlacementSearch, GivesUpAfterAFewLoadsInVain) {
  // Nothing is better than anything, and nobody can see why.
  std::size_t most = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    const Searched searched = search_on(
        [&](const Config& config) {
          const double noise = std::uniform_real_distribution<double>(0, 0.25)(random);
          return (config.placement.n_gpu_layers == 16 ? 100 : 105) * (1 + noise);
        },
        5, 16);
    most = std::max(most, searched.steps.size());
  }
  EXPECT_LE(most, 20U);
}

TEST(PlacementSearch, TheCpuAloneIsMeasuredAgainWhereTheDeviceOnlyEverSlowsDown) {
  bool first = true;
  const Curve curve = [&](const Config& config) {
    const int layers = config.placement.n_gpu_layers;
    if (layers > 0) return 101.0 + layers;
    const bool disturbed = first;
    first = false;
    return disturbed ? 140.0 : 100.0;
  };
  EXPECT_EQ(search_on(curve, 5, 16).best_layers(), 0);
}

TEST(OffTheCurve, IsWhatTakesFarLongerThanTheOthersLetExpect) {
  const TuneRules now = rules();
  const TuneMemory memory(options(5), kBlocks + 1, 85, true);
  const PlacementCosts costs(PlacementShape(uniform_model(kBlocks)), now, {});
  Arms arms;
  const Config baseline = config_of(16);
  const PlacementView view{memory, costs, arms, now, baseline};
  EXPECT_FALSE(is_off_the_curve(view, trial_of(config_of(8), 900, 1))) << "nothing is known";
  tell(arms, trial_of(config_of(0), 100, 1));
  tell(arms, trial_of(config_of(16), 50, 1));
  EXPECT_FALSE(is_off_the_curve(view, trial_of(config_of(15), 53, 1)));
  EXPECT_TRUE(is_off_the_curve(view, trial_of(config_of(15), 200, 1)));
  EXPECT_FALSE(is_off_the_curve(view, trial_of(config_of(15), 10, 1))) << "nobody speeds it up";
}

}  // namespace
}  // namespace sweetspot::search
