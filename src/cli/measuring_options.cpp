#include "cli/measuring_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <string_view>
#include <utility>

#include "app/connection.hpp"
#include "app/engines.hpp"
#include "cli/output.hpp"
#include "cli/percent.hpp"
#include "core/text.hpp"
#include "devices/sources.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

profiler::FullDepthPolicy full_depth_of(const std::string& text) {
  if (text == "always") return profiler::FullDepthPolicy::always;
  if (text == "never") return profiler::FullDepthPolicy::never;
  return profiler::FullDepthPolicy::automatic;
}

}  // namespace

void add_model(CLI::App& app, MeasuringOptions& options) {
  app.add_option("-m,--model,MODEL.gguf", options.model_path, "The model, or its first split")
      ->required();
}

void add_vram_limit(CLI::App& app, MeasuringOptions& options, const char* group) {
  app.add_option("--vram-limit", options.vram_limit, "As if on a smaller card: 6GiB")
      ->type_name("SIZE")
      ->group(group);
}

void add_precision(CLI::App& app, MeasuringOptions& options) {
  app.add_option("--precision", options.precision, "Stop when the speed is known to ± this")
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group("Precision");
  app.add_option("--max-seconds", options.max_seconds,
                 "Longest measurement of one setting; after a third of it a result twice as wide "
                 "is accepted, and a model that is too slow for eight tokens has twice the time")
      ->check(CLI::Range(0.1, 86400.0))
      ->type_name("SECONDS")
      ->capture_default_str()
      ->group("Precision");
}

void add_measuring(CLI::App& app, MeasuringOptions& options) {
  add_precision(app, options);
  app.add_option("--full-depth", options.full_depth,
                 "Prove that each setting works with its whole context in use")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN")
      ->capture_default_str()
      ->group("Precision");
  app.add_flag("--allow-untrained-ctx", options.allow_untrained_ctx,
               "Allow a context longer than the model was trained for")
      ->group("Context");
}

void add_output(CLI::App& app, MeasuringOptions& options) {
  app.add_option("-o,--output", options.output_path,
                 "Results file (default: runs/MODEL-TIME.json in the data folder)")
      ->type_name("FILE")
      ->group("Output");
  app.add_flag("--details", options.details, "Print also every row and what the answer rests on")
      ->group("Output");
  app.add_flag("--json", options.json, "Print the whole run as JSON")->group("Output");
  app.add_flag("--no-store", options.no_store,
               "Keep neither the run (sweetspot history) nor its profiles")
      ->group("Output");
}

Result<profiler::Request> measuring_request(const MeasuringOptions& options,
                                            const Workload& workload,
                                            const Environment& environment) {
  if (const Status path = check_path(options.model_path); !path) {
    return tl::unexpected(path.error());
  }
  profiler::Request request;
  request.model_path = options.model_path;
  Result<Config> config = make_config(options.knobs);
  if (!config) return tl::unexpected(config.error());
  request.base = *std::move(config);
  request.n_ctx_is_default = !is_given(options.knobs, "n_ctx");
  request.workload = workload;
  if (workload.n_gen == 0) {
    return error(ErrorKind::usage, "--n-gen does not take '0'", "generation is what is compared");
  }
  const Result<double> precision = parse_percent(options.precision, "--precision");
  if (!precision) return tl::unexpected(precision.error());
  request.precision = *precision;
  request.max_seconds = options.max_seconds;
  request.full_depth = full_depth_of(options.full_depth);
  request.allow_beyond_trained_context = options.allow_untrained_ctx;
  if (!options.vram_limit.empty()) {
    const Result<std::uint64_t> limit = parse_size(options.vram_limit, "--vram-limit");
    if (!limit) return tl::unexpected(limit.error());
    request.vram_limit_bytes = *limit;
  }
  if (const Status file = check_results_path(options.output_path); !file) {
    return tl::unexpected(file.error());
  }
  request.output_path = options.output_path;
  if (const Status told = app::check_can_be_told(environment.workplace, request.base); !told) {
    return tl::unexpected(told.error());
  }
  const Result<app::Connection> connection = connection_of(options.connection, environment);
  if (!connection) return tl::unexpected(connection.error());
  Result<engine::StartOptions> start = app::start_options(environment.workplace, *connection);
  if (!start) return tl::unexpected(start.error());
  request.start = *std::move(start);
  request.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  return request;
}

}  // namespace sweetspot::cli
