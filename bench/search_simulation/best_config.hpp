// The true best of whole configs: what a tuner is held against.
#pragma once

#include "core/config.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {

struct BestConfig {
  Config config;
  double request_ms = 0;  ///< of the workload
};

/// The least true time of the workload of all configs that are safe and take at most `percent` of
/// the device's memory, over layers, feed-forward parts or experts kept on the CPU, ubatch, flash
/// attention, the cache on the host, and threads of generation and prompt. Every layer count, and
/// every count of parts kept with all layers offloaded; other pairs of the two on a coarse grid
/// that is refined around its best.
BestConfig best_config(const fake::Machine& machine, const VramView& vram, const Workload& work,
                       const Config& base, double percent);

}  // namespace sweetspot::simulation
