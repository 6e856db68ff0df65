// Predicts every layer count from slices of the model, without loading it whole.
//
// Slices live in workers of their own and are measured in rounds: each round gives one prediction
// of every layer count, so what drifts between rounds drifts in all slices alike and cancels in
// their differences, and the spread of the rounds is that of the prediction itself, amplification
// by extrapolating included. Where a slice cannot stay loaded (memory, or an RPC server, which
// serves one client at a time) it is loaded again for each round.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/model_info.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"
#include "engine/worker.hpp"
#include "search/slice_model.hpp"

namespace sweetspot::profiler {

struct SliceJob {
  ModelInfo model;  ///< as inspected; model.path is what is loaded
  Config base;      ///< n_gpu_layers is set per slice
  Workload workload;
  engine::StartOptions start;
  bool has_device = false;  ///< there is one device to offload to; otherwise only 0 is predicted
  double max_seconds = 60;  ///< of rounds; three are made in any case
  double precision = 0.02;  ///< relative half-width of the predictions to stop at
  search::SliceRules rules;
  Reading<std::uint64_t> cache_bytes = Absence{"not read"};  ///< devices::last_level_cache_bytes()
  /// Fraction of the time allowed, and what is being done.
  std::function<void(double fraction, const std::string& step)> on_progress;
};

struct SlicePrediction {
  /// Milliseconds per token for 0, 1, ... blocks + 1 layers (0 alone without a device). 95 %
  /// intervals: of the median over the rounds, widened by kSliceModelError.
  std::vector<Estimate> generation_ms_by_layers;
  std::vector<Estimate> prompt_ms_by_layers;  ///< empty where the workload has no prompt
  search::SliceCosts generation_costs;        ///< medians over the rounds
  search::SliceCosts prompt_costs;
  search::SlicePlan plan;      ///< sizes, and the check against the cache
  double weight_share = 0;     ///< of the largest slice as loaded / of the model
  std::uint32_t rounds = 0;    ///< of generation
  double load_seconds = 0;     ///< slices that stay loaded
  double measure_seconds = 0;  ///< with loading those that do not
  std::vector<std::string> notes;
};

/// Relative; what slices are off by beyond noise. docs/results/slices.md has what it was tried on.
inline constexpr double kSliceModelError = 0.05;

/// Absent, with one sentence, where slices cannot tell: no sizes that the cache does not hold (see
/// search::plan_slices), a placement that names single blocks, several devices, a worker that fails
/// or was cancelled.
Reading<SlicePrediction> predict_by_slices(const SliceJob& job);

}  // namespace sweetspot::profiler
