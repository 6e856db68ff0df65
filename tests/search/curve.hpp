// A pretended machine of one line for tests of the search: what a layer count costs and takes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "search/adaptive_sweep.hpp"

namespace sweetspot::search::test {

inline ModelInfo uniform_model(int blocks) {
  ModelInfo model;
  model.n_layer = blocks;
  for (int i = 0; i < blocks; ++i) model.layers.push_back({i, 100'000'000, 0});
  model.non_layer_bytes = 200'000'000;
  model.size_bytes = model.non_layer_bytes + static_cast<std::uint64_t>(blocks) * 100'000'000;
  return model;
}

/// Time per token that is linear in the blocks moved, with a step at either end.
struct Line {
  int blocks = 32;
  double cpu_ms = 100;     ///< a token with nothing offloaded
  double device_ms = 12;   ///< a token with everything offloaded
  double crossing_ms = 1;  ///< what a token pays while the model lies on both
  double percent_per_layer = 2.5;

  [[nodiscard]] double ms(int layers) const {
    if (layers == 0) return cpu_ms;
    if (layers > blocks) return device_ms;
    const double moved = static_cast<double>(layers - 1) / blocks;
    return cpu_ms * 0.97 + crossing_ms - moved * (cpu_ms * 0.97 - device_ms);
  }
};

using Curve = std::function<double(int layers)>;

inline std::vector<LayerCandidate> candidates_for(int blocks, double percent_per_layer) {
  std::vector<LayerCandidate> all;
  for (int layers = 0; layers <= blocks + 1; ++layers) {
    LayerCandidate one;
    one.layers = layers;
    one.vram_percent = percent_per_layer * layers;
    one.vram_bytes = static_cast<std::uint64_t>(layers) * 100'000'000;
    if (*one.vram_percent > 100) one.why_not = "needs more than there is";
    all.push_back(one);
  }
  return all;
}

/// A measurement of `layers` with relative noise `sd` of the median and an interval that says so.
inline Trial measured(int layers, double ms, double sd, std::mt19937_64& random,
                      double vram_percent, Extent extent = Extent::full) {
  std::normal_distribution<double> normal(0, sd);
  const double value = ms * (1 + normal(random));
  Trial trial;
  trial.layers = layers;
  trial.extent = extent;
  trial.generation = Speed{};
  trial.generation->ms_per_token = {value, value * (1 - 1.96 * sd), value * (1 + 1.96 * sd)};
  trial.generation->tokens_per_second = {1000 / value, 1000 / (value * (1 + 1.96 * sd)),
                                         1000 / (value * (1 - 1.96 * sd))};
  trial.vram_percent = vram_percent;
  return trial;
}

struct Played {
  std::vector<SweepStep> steps;
  SweepRecord record;

  [[nodiscard]] int loads() const {
    int count = 0;
    int last = -1;
    for (const SweepStep& step : steps) {
      if (step.layers != last) ++count;
      last = step.layers;
    }
    return count;
  }
  [[nodiscard]] std::optional<int> winner(const std::string& name) const {
    for (const Decision& decision : record.decisions) {
      if (decision.name == name) return decision.layers;
    }
    return std::nullopt;
  }
};

/// Plays a sweep to its end on a curve.
inline Played play(AdaptiveSweep& sweep, const Curve& curve, double percent_per_layer, double sd,
                   std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Played played;
  while (const auto step = sweep.ask()) {
    played.steps.push_back(*step);
    Trial trial = measured(step->layers, curve(step->layers), sd, random,
                           percent_per_layer * step->layers, step->extent);
    sweep.tell(*step, trial);
    if (played.steps.size() > 300) break;  // it must end by itself
  }
  played.record = sweep.record();
  return played;
}

}  // namespace sweetspot::search::test
