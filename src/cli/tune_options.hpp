// The options of `sweetspot tune`, and the request and job they become.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/measuring_options.hpp"
#include "core/error.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::cli {

/// As typed; checked by make_tune().
struct TuneOptions {
  MeasuringOptions measuring;
  std::string layers;  ///< "auto" or nothing
  std::string workload = "chat";
  std::optional<std::uint32_t> n_prompt;  ///< instead of the workload's
  std::optional<std::uint32_t> n_gen;
  std::optional<std::uint32_t> n_depth;
  std::string objective = "request";
  double max_minutes = 10;
  double vram_percent = 85;
  double min_generation_speed = 0;
  double min_prompt_speed = 0;
  bool allow_kv_quant = false;
  double max_divergence = 0.01;
};

void add_tune_options(CLI::App& app, TuneOptions& options);

struct TuneRequest {
  profiler::Request request;
  profiler::TuneJob job;
};

/// Everything that can be wrong before a worker is started: kind usage, naming the flag.
Result<TuneRequest> make_tune(const TuneOptions& options, const Environment& environment);

}  // namespace sweetspot::cli
