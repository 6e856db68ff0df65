// Trials as test data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/no_device.hpp"
#include "core/trial.hpp"

namespace sweetspot::profiles::testing {

/// Layers as a sweep has them: 0 are the CPU alone.
inline Placement placement_of(int layers) {
  Placement placement;
  placement.n_gpu_layers = layers;
  return layers == 0 ? cpu_alone(placement) : placement;
}

/// A measured, verified trial whose interval is `relative` (0.005 = 0.5 %) either way.
inline Trial trial(int layers, double vram_percent, double tokens_per_second,
                   double relative = 0.005) {
  Trial trial;
  trial.layers = layers;
  trial.requested_layers = {layers};
  trial.config.placement = placement_of(layers);
  trial.vram_percent = vram_percent;
  trial.vram_used_bytes = static_cast<std::uint64_t>(vram_percent * 1e7);
  Speed speed;
  speed.tokens_per_second = {tokens_per_second, tokens_per_second * (1 - relative),
                             tokens_per_second * (1 + relative)};
  speed.ms_per_token = {1000 / speed.tokens_per_second.value, 1000 / speed.tokens_per_second.high,
                        1000 / speed.tokens_per_second.low};
  trial.generation = speed;
  trial.full_depth = FullDepth::verified;
  return trial;
}

inline Trial failed_trial(int layers, FailureClass failure_class) {
  Trial trial;
  trial.layers = layers;
  trial.requested_layers = {layers};
  trial.config.placement = placement_of(layers);
  trial.failure = Failure{failure_class, Phase::load, "scripted", {}, {}};
  return trial;
}

/// The mission's recorded table: RTX 4050 Laptop, 6 GB; Zephyr-7B-beta Q5_K_M.
inline std::vector<Trial> recorded_trials() {
  struct Row {
    int layers;
    double vram_gb, vram_percent, tokens_per_second, temperature_c;
  };
  constexpr Row kRows[] = {
      {0, 0.52, 9, 12.5, 55},   {10, 1.72, 29, 18.2, 58}, {20, 2.85, 48, 23.4, 60},
      {30, 3.98, 66, 29.1, 63}, {35, 4.58, 76, 32.5, 65}, {40, 5.15, 86, 34.8, 67},
      {43, 5.42, 90, 35.2, 68},
  };
  std::vector<Trial> trials;
  for (const Row& row : kRows) {
    trials.push_back(trial(row.layers, row.vram_percent, row.tokens_per_second));
    trials.back().vram_used_bytes = static_cast<std::uint64_t>(row.vram_gb * 1e9);
    trials.back().telemetry.temperature_start_c = row.temperature_c;
    trials.back().telemetry.temperature_max_c = row.temperature_c;
  }
  return trials;
}

}  // namespace sweetspot::profiles::testing
