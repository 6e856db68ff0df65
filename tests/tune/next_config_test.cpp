#include "tune/next_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "tune/fixtures.hpp"

namespace sweetspot::tune {
namespace {

using search::test::uniform_model;
using test::config_of;
using test::rules;
using test::tell;
using test::trial_of;

constexpr int kLayeredBlocks = 30;

int split_of(const Config& config) {
  return std::max(
      0, config.placement.n_cpu_ffn - (kLayeredBlocks + 1 - config.placement.n_gpu_layers));
}

double percent_of(const Config& config, double per_layer) {
  const int layers = config.placement.n_gpu_layers;
  if (layers == 0) return 0;
  return per_layer * (layers - 0.7 * split_of(config)) +
         (config.context.kv_offload ? 0.2 * per_layer * layers : 0) +
         config.context.n_ubatch / 100.0;
}

std::vector<Option> options(double per_layer) {
  std::vector<Option> all;
  for (const ContextSettings& context : memory_variants({}, true, test::kWorkload.n_prompt)) {
    for (const Placement& placement : placements_of({}, uniform_model(kLayeredBlocks), true)) {
      Option& option = all.emplace_back();
      option.config = {placement, context};
      option.vram_percent = percent_of(option.config, per_layer);
      option.vram_bytes = static_cast<std::uint64_t>(1e8 * *option.vram_percent);
      if (*option.vram_percent > 100) option.why_not = "needs more than there is";
    }
  }
  return all;
}

struct Times {
  double generation_ms = 0;
  double prompt_ms = 0;
};
using Curve = std::function<Times(const Config&)>;

/// A search with what was measured before it.
class Search {
 public:
  Search(Curve curve, double per_layer, Config baseline)
      : curve_(std::move(curve)),
        per_layer_(per_layer),
        baseline_(std::move(baseline)),
        memory_(options(per_layer), kLayeredBlocks + 1, 85, true) {
    measure(baseline_);
  }

  void measure(const Config& config) {
    const Times times = curve_(config);
    Trial trial = trial_of(config, times.generation_ms, times.prompt_ms, 0.003);
    trial.vram_percent = percent_of(config, per_layer_);
    trial.vram_used_bytes = static_cast<std::uint64_t>(1e8 * *trial.vram_percent);
    memory_.learn(trial);
    const Arm* before = arms_.cheapest();
    const double least = before != nullptr ? before->cost->value : 1e300;
    TuneConstraints constraints;
    constraints.max_vram_percent = 85;
    const Arm& arm =
        arms_.tell(trial, arms_.all().size(), rules_.objective, constraints, Again::faster);
    if (arm.may_win() && arm.cost->value < 0.995 * least) {
      in_vain_ = 0;
    } else if (!view().cliffs.is_off(config.placement)) {
      ++in_vain_;
    }
  }

  Search& run() {
    while (steps_.size() < 40) {
      const auto step = next_config(view(), in_vain_);
      if (!step) break;
      steps_.push_back(*step);
      measure(step->config);
    }
    EXPECT_LT(steps_.size(), 40U);
    return *this;
  }

  [[nodiscard]] View view() const {
    return {memory_,
            shape_,
            arms_,
            rules_,
            baseline_,
            baseline_.context,
            {arms_.all(), shape_, rules_}};
  }
  [[nodiscard]] std::string told() const {
    std::string text;
    for (const Step& step : steps_) text += step.title + ": " + step.reason + "\n";
    return text;
  }
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }
  [[nodiscard]] const Config& best() const { return arms_.cheapest()->config; }
  [[nodiscard]] double best_cost() const { return arms_.cheapest()->cost->value; }

 private:
  Curve curve_;
  double per_layer_;
  Config baseline_;
  Memory memory_;
  PlacementShape shape_{uniform_model(kLayeredBlocks)};
  Rules rules_ = rules();
  Arms arms_;
  std::vector<Step> steps_;
  int in_vain_ = 0;
};

// A straight line from the CPU to the device.
Times line(const Config& config, double cpu_ms, double device_ms) {
  const double on_device =
      (config.placement.n_gpu_layers - 0.7 * split_of(config)) / (kLayeredBlocks + 1.0);
  const double generation = cpu_ms + on_device * (device_ms - cpu_ms);
  return {generation, generation / 20};
}

double request(const Times& times) {
  return test::kWorkload.n_gen * times.generation_ms + test::kWorkload.n_prompt * times.prompt_ms;
}

Config changed(Config config, std::uint32_t n_ubatch, bool kv_offload) {
  config.context.n_ubatch = n_ubatch;
  config.context.kv_offload = kv_offload;
  return config;
}

// ---- placements alone

TEST(ConfigSearch, BeginsWithTheCpuAlone) {
  Search search([](const Config& config) { return line(config, 100, 10); }, 4, config_of(16));
  EXPECT_EQ(next_config(search.view(), 0)->config, config_of(0));
}

TEST(ConfigSearch, OnALineItTakesFewLoads) {
  Search search([](const Config& config) { return line(config, 100, 10); }, 4, config_of(14));
  search.run();
  EXPECT_LE(search.best_cost(), request(line(config_of(16), 100, 10))) << "the most that fit";
  EXPECT_LE(search.steps().size(), 6U);
}

TEST(ConfigSearch, FindsWhereADeviceBeginsToSlowDownAsItFills) {
  // All of it fits; beyond 22 layers the device needs half as long again.
  const Curve edge = [](const Config& config) -> Times {
    const double share = config.placement.n_gpu_layers / (kLayeredBlocks + 1.0);
    const double device = 40 * share * (config.placement.n_gpu_layers > 22 ? 1.9 : 1.0);
    const double ms = 100 * (1 - share) + device + 5 * (config.placement.n_cpu_ffn > 0);
    return {ms, ms / 20};
  };
  Search search(edge, 2, config_of(kLayeredBlocks + 1));
  search.run();
  EXPECT_GE(search.best().placement.n_gpu_layers, 21);
  EXPECT_LE(search.best().placement.n_gpu_layers, 22);
  EXPECT_LE(search.steps().size(), 12U);
}

TEST(ConfigSearch, FindsTheCliffAmongFeedForwardsOnTheCpu) {
  // A device that pages once the feed-forwards of more than 17 blocks lie on it.
  const Curve cliff = [](const Config& config) -> Times {
    const int layers = config.placement.n_gpu_layers;
    if (layers == 0) return {100, 20};
    const int there = std::max(0, layers - 1 - split_of(config));
    const double ms = 100 - layers - 1.5 * there;
    const bool pages = there > 17;
    return {pages ? 150 : ms, pages ? 30 : ms / 20};
  };
  Search search(cliff, 2, config_of(kLayeredBlocks + 1));
  search.run();
  EXPECT_EQ(search.best().placement.n_gpu_layers, kLayeredBlocks + 1);
  EXPECT_EQ(search.best().placement.n_cpu_ffn, kLayeredBlocks - 17) << search.told();
  EXPECT_LE(search.steps().size(), 16U);
}

TEST(ConfigSearch, KeepsSomePartsOfFewerLayersOnTheCpuWhereThatIsBest) {
  // Attention is worth the device, feed-forward work is not far from it, and each block on the
  // device costs its launches: neither few whole layers nor all layers are best.
  const Curve curve = [](const Config& config) -> Times {
    const int layers = config.placement.n_gpu_layers;
    if (layers == 0) return {100, 5};
    const double over = std::max(0, layers - 24);
    const double ms = 100 - 2.0 * (layers - split_of(config)) - 1.7 * split_of(config) + 2.5 * over;
    return {ms, ms / 20};
  };
  Search search(curve, 4, config_of(14));
  search.run();
  const Placement& best = search.best().placement;
  EXPECT_GT(best.n_gpu_layers, 17);
  EXPECT_LT(best.n_gpu_layers, kLayeredBlocks + 1);
  EXPECT_GT(best.n_cpu_ffn, 0);
}

TEST(ConfigSearch, GivesUpAfterAFewLoadsInVain) {
  // Nothing is better than anything, and nobody can see why.
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    Search search(
        [&](const Config& config) -> Times {
          const double noise = std::uniform_real_distribution<double>(0, 0.25)(random);
          const double ms = (config.placement.n_gpu_layers == 14 ? 100 : 105) * (1 + noise);
          return {ms, ms / 20};
        },
        4, config_of(14));
    EXPECT_LE(search.run().steps().size(), 24U) << "halves of a gap that noise made do not count";
  }
}

TEST(ConfigSearch, TheCpuAloneIsMeasuredAgainWhereTheDeviceOnlyEverSlowsDown) {
  bool first = true;
  const Curve curve = [&](const Config& config) -> Times {
    const int layers = config.placement.n_gpu_layers;
    if (layers > 0) return {101.0 + layers, 5};
    const bool disturbed = first;
    first = false;
    return {disturbed ? 140.0 : 100.0, 5};
  };
  EXPECT_EQ(Search(curve, 4, config_of(14)).run().best().placement.n_gpu_layers, 0);
}

TEST(ConfigSearch, WhereTheDefaultsMustNotBeUsedItStillFindsWhatMay) {
  Search search([](const Config& config) { return line(config, 100, 10); }, 4, config_of(20));
  EXPECT_GT(percent_of(config_of(20), 4), 85);
  EXPECT_LE(search.run().best_cost(), request(line(config_of(16), 100, 10)));
}

// ---- contexts that make room

// Each further piece of the prompt and each block with its cache on the host costs a little.
Curve with_contexts(double piece, double host_ms, double surprise = 1) {
  return [=](const Config& config) {
    Times times = line(config, 100, 10);
    times.prompt_ms *= 1 + piece * (512.0 / config.context.n_ubatch - 1);
    if (!config.context.kv_offload) times.generation_ms += host_ms * config.placement.n_gpu_layers;
    const bool elsewhere = config.placement.n_gpu_layers > 14 &&
                           (config.context.n_ubatch != 512 || !config.context.kv_offload);
    if (elsewhere) times = {times.generation_ms * surprise, times.prompt_ms * surprise};
    return times;
  };
}

Search walked(const Curve& curve) {
  Search search(curve, 4, config_of(14));
  search.measure(changed(config_of(14), 256, true));
  search.measure(changed(config_of(14), 512, false));
  return search;
}

TEST(ConfigSearch, SpendsOnWeightsWhatAnotherContextSaves) {
  const Curve curve = with_contexts(0.01, 0.02);
  Search search = walked(curve);
  search.run();
  EXPECT_LT(search.best_cost(), 0.88 * request(curve(config_of(16)))) << "the most with the base";
  EXPECT_FALSE(search.best().context.kv_offload);
  EXPECT_LT(search.best().context.n_ubatch, 512U) << "both together make most room";
  EXPECT_LE(search.steps().size(), 8U);
  for (const Step& step : search.steps()) EXPECT_LE(percent_of(step.config, 4), 85);
}

TEST(ConfigSearch, LargerPiecesAreWorthLayersWhereEachPieceIsDear) {
  const Curve curve = with_contexts(1, 5);
  Search search = walked(curve);
  search.run();
  EXPECT_GT(search.best().context.n_ubatch, 512U) << "though nobody measured them on the baseline";
}

TEST(ConfigSearch, TakesNoOtherContextWhereItCostsMoreThanItBuys) {
  Search search = walked(with_contexts(0, 5));
  for (const Step& step : search.run().steps()) {
    EXPECT_TRUE(step.config.context.kv_offload) << step.title;
  }
}

TEST(ConfigSearch, WhatNobodyMeasuredTheEffectOfIsNotTried) {
  Search search(with_contexts(0.01, 0.02), 4, config_of(14));
  for (const Step& step : search.run().steps()) {
    EXPECT_EQ(step.config.context, ContextSettings{}) << step.title;
  }
}

TEST(ConfigSearch, OncePromisesWereBrokenItEnds) {
  Search search = walked(with_contexts(0.01, 0.02, 1.5));
  EXPECT_LE(search.run().steps().size(), 10U) << "not through all of them";
}

// ---- what nobody expected

TEST(OffTheCurve, IsWhatTakesFarLongerThanTheOthersLetExpect) {
  Search search([](const Config& config) { return line(config, 100, 10); }, 4, config_of(16));
  const auto trial = [](int layers, double times) {
    const Times at = line(config_of(layers), 100, 10);
    return trial_of(config_of(layers), times * at.generation_ms, times * at.prompt_ms);
  };
  EXPECT_FALSE(is_off_the_curve(search.view(), trial(8, 9))) << "one placement is no curve";
  search.measure(config_of(0));
  EXPECT_FALSE(is_off_the_curve(search.view(), trial(15, 1.03)));
  EXPECT_TRUE(is_off_the_curve(search.view(), trial(15, 4)));
  EXPECT_FALSE(is_off_the_curve(search.view(), trial(15, 0.2))) << "nobody speeds it up";
}

}  // namespace
}  // namespace sweetspot::tune
