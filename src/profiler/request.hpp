// What a profiling run is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/profile.hpp"
#include "core/reading.hpp"
#include "devices/sampler.hpp"
#include "engine/worker.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::profiler {

/// Whether each config must also decode with its whole context in use (R32).
enum class FullDepthPolicy {
  automatic,  ///< unless it would take longer than full_depth_budget_seconds, or a few where every
              ///< token must be decoded and no layer lies on a device
  always,
  never,
};

/// Whether an adaptive sweep measures slices of the model first (profiler/slices.hpp).
enum class SlicePolicy {
  automatic,  ///< where loading the model is what takes the time: from kSlicesFromBytes on
  always,
  never,
  only,  ///< and nothing else: every layer count is predicted
};

inline constexpr std::uint64_t kSlicesFromBytes = 8 * kGiB;

struct Request {
  std::string model_path;
  Config base;  ///< n_gpu_layers is set per trial
  Workload workload;
  double precision = 0.01;  ///< relative half-width of the 95 % interval to reach
  double max_seconds = 20;  ///< per config, loading and full depth excluded
  FullDepthPolicy full_depth = FullDepthPolicy::automatic;
  double full_depth_budget_seconds = 30;
  Reading<std::uint64_t> vram_limit_bytes = Absence{"not set"};
  Bands bands;
  SlicePolicy slices = SlicePolicy::automatic;
  /// Speeds of one request: the prompt first, and the generation at the depth that it leaves.
  bool as_request = false;
  /// A quantized cache whose mean divergence from an f16 one is larger is refused.
  double max_divergence = 0.01;
  bool try_anyway = false;  ///< load configs that are known not to fit
  bool allow_beyond_trained_context = false;
  bool n_ctx_is_default =
      true;                    ///< nobody asked for base.context.n_ctx: a shorter model shortens it
  std::string output_path;     ///< where the run is kept after every trial; empty = nowhere
  engine::StartOptions start;  ///< program, RPC servers, deadlines, cancel token
  devices::SourceFactory sources;
};

}  // namespace sweetspot::profiler
