// Trials and options for tests of the tuner's parts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/no_device.hpp"
#include "core/trial.hpp"
#include "search/curve.hpp"
#include "tune/arms.hpp"
#include "tune/rules.hpp"
#include "tune/space.hpp"

namespace sweetspot::tune::test {

inline constexpr Workload kWorkload = {1024, 100, 0};

inline Config config_of(int layers, int n_cpu_ffn = 0, ContextSettings context = {}) {
  Config config;
  config.placement.n_gpu_layers = layers;
  config.placement.n_cpu_ffn = n_cpu_ffn;
  if (layers == 0) config.placement = cpu_alone(config.placement);
  config.context = std::move(context);
  return config;
}

inline Rules rules() {
  Rules one;
  one.workload = kWorkload;
  return one;
}

/// Measured to `precision`, half an interval as a share.
inline Trial trial_of(Config config, double generation_ms, double prompt_ms,
                      double precision = 0.01) {
  const auto speed = [precision](double ms) {
    Speed one;
    one.ms_per_token = {ms, ms * (1 - precision), ms * (1 + precision)};
    one.tokens_per_second = {1000 / ms, 1000 / one.ms_per_token.high, 1000 / one.ms_per_token.low};
    return one;
  };
  Trial trial;
  trial.layers = config.placement.n_gpu_layers;
  trial.config = std::move(config);
  trial.workload = kWorkload;
  trial.extent = Extent::speeds;
  trial.generation = speed(generation_ms);
  trial.prompt = speed(prompt_ms);
  trial.vram_percent = 50.0;
  trial.vram_used_bytes = std::uint64_t{5'000'000'000};
  return trial;
}

inline void tell(Arms& arms, const Trial& trial, Again again = Again::last) {
  arms.tell(trial, arms.all().size(), Objective::request, {}, again);
}

}  // namespace sweetspot::tune::test
