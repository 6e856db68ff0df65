#include "cli/profile_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>

#include "cli/layer_list.hpp"
#include "core/text.hpp"
#include "devices/sources.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

void add_sweep(CLI::App& app, ProfileOptions& options) {
  auto* adaptive = app.add_flag("--adaptive", options.adaptive,
                                "As few layer counts as settle what a full sweep settles; the "
                                "others are predicted (the default)");
  auto* quick = app.add_flag("--quick", options.quick, "Four layer counts from none to all");
  auto* full = app.add_flag("--full", options.full, "Seven layer counts from none to all");
  auto* layers =
      app.add_option("--layers,--n-gpu-layers,--gpu-layers", options.layers,
                     "Layer counts: 0,8,16,-1 or ranges as in llama-bench: 0-32+8; -1 or all; "
                     "auto = chosen (also -ngl)")
          ->type_name("LIST");
  auto* slices =
      app.add_option(
             "--slices", options.slices,
             "Measure a few blocks of the model before it is loaded whole: auto (from 8 GiB "
             "on), always, never, or only (predict every layer count, load nothing whole)")
          ->check(CLI::IsMember({"auto", "always", "never", "only"}))
          ->type_name("WHEN")
          ->capture_default_str()
          ->group("What to measure");
  slices->excludes(quick)->excludes(full)->excludes(layers);
  adaptive->excludes(quick)->excludes(full)->excludes(layers)->group("What to measure");
  quick->excludes(full)->excludes(layers)->group("What to measure");
  full->excludes(layers)->group("What to measure");
  layers->group("What to measure");
}

void add_rules(CLI::App& app, ProfileOptions& options) {
  app.add_option("--vram-limit", options.vram_limit, "Pretend that no device is larger")
      ->type_name("SIZE")
      ->group("Profiles");
  app.add_flag("--try-anyway", options.try_anyway,
               "Load configurations that are known not to fit too")
      ->group("Profiles");
  app.add_option("--bands", options.bands,
                 "Upper ends of fast, balanced and performance in percent of device memory")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->expected(3)
      ->type_name("F,B,P")
      ->capture_default_str()
      ->group("Profiles");
}

Result<double> parse_percent(std::string_view text, std::string_view flag) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  const auto percent = number_of<double>(number);
  if (!percent || !std::isfinite(*percent) || *percent <= 0 || *percent > 50) {
    return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, printable(text)),
                 "give a percentage above 0 and up to 50, for example 1%");
  }
  return *percent / 100;
}

Result<Bands> make_bands(const std::vector<double>& ends) {
  if (ends.size() != 3 ||
      !(0 < ends[0] && ends[0] <= ends[1] && ends[1] <= ends[2] && ends[2] <= 100)) {
    return error(ErrorKind::usage, "--bands takes three rising percentages up to 100",
                 "the default is 50,70,85");
  }
  return Bands{ends[0], ends[1], ends[2]};
}

profiler::SlicePolicy slices_of(const std::string& text) {
  if (text == "always") return profiler::SlicePolicy::always;
  if (text == "never") return profiler::SlicePolicy::never;
  if (text == "only") return profiler::SlicePolicy::only;
  return profiler::SlicePolicy::automatic;
}

profiler::FullDepthPolicy full_depth_of(const std::string& text) {
  if (text == "always") return profiler::FullDepthPolicy::always;
  if (text == "never") return profiler::FullDepthPolicy::never;
  return profiler::FullDepthPolicy::automatic;
}

// llama.cpp's "auto" leaves the number of layers to the program, which is what a sweep is for.
bool names_layers(const ProfileOptions& options) {
  return !options.layers.empty() && options.layers != "auto";
}

}  // namespace

void add_workload(CLI::App& app, ProfileOptions& options) {
  const auto count = [&](const char* flags, std::uint32_t& value, const char* help) {
    app.add_option(flags, value, help)
        ->type_name("N")
        ->check(CLI::Range(0U, 1U << 30U))
        ->capture_default_str()
        ->group("Workload");
  };
  count("-p,--n-prompt", options.workload.n_prompt, "Prompt tokens, 0 = prompts are not measured");
  count("-n,--n-gen", options.workload.n_gen, "Generated tokens");
  count("-d,--n-depth", options.workload.n_depth, "Tokens already in the cache");
}

void add_measuring(CLI::App& app, ProfileOptions& options) {
  app.add_option("--precision", options.precision,
                 "Half-width of the 95 % interval at which a measurement ends")
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group("Measuring");
  app.add_option("--max-seconds", options.max_seconds,
                 "Longest time to measure one configuration; after a third of it twice the "
                 "precision is enough")
      ->check(CLI::Range(0.1, 86400.0))
      ->type_name("SECONDS")
      ->capture_default_str()
      ->group("Measuring");
  app.add_option(
         "--full-depth", options.full_depth,
         "Prove that each configuration works with its whole context in use: auto, always or "
         "never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("WHEN")
      ->capture_default_str()
      ->group("Measuring");
  app.add_flag("--allow-untrained-ctx", options.allow_untrained_ctx,
               "Allow a context longer than the model was trained for")
      ->group("Measuring");
}

void add_output(CLI::App& app, ProfileOptions& options) {
  app.add_option("-o,--output", options.output_path,
                 "Results file (default: sweetspot-<model>-<time>.json)")
      ->type_name("FILE")
      ->group("Output");
  app.add_flag("--json", options.json, "Print the whole run as JSON on stdout")->group("Output");
  app.add_flag("--no-store", options.no_store,
               "Do not keep the profiles for applications (see sweetspot profiles)")
      ->group("Output");
}

void add_profile_options(CLI::App& app, ProfileOptions& options) {
  app.add_option("-m,--model,MODEL.gguf", options.model_path, "The model, or its first split")
      ->required();
  add_sweep(app, options);
  add_knobs(app, options.knobs);
  add_workload(app, options);
  add_measuring(app, options);
  add_rules(app, options);
  add_output(app, options);
  app.add_option("--sort", options.sort, "Order of the table: speed or layers")
      ->check(CLI::IsMember({"speed", "layers"}))
      ->capture_default_str()
      ->group("Output");
  add_connection(app, options.connection);
}

Result<profiler::Request> make_request(const ProfileOptions& options,
                                       const Environment& environment) {
  if (const Status path = check_path(options.model_path); !path)
    return tl::unexpected(path.error());
  profiler::Request request;
  request.model_path = options.model_path;
  const Result<Config> config = make_config(options.knobs);
  if (!config) return tl::unexpected(config.error());
  request.base = *config;
  request.n_ctx_is_default = !is_given(options.knobs, "n_ctx");
  request.workload = options.workload;
  if (request.workload.n_gen == 0) {
    return error(ErrorKind::usage, "--n-gen does not take '0'", "generation is what is compared");
  }
  const Result<double> precision = parse_percent(options.precision, "--precision");
  if (!precision) return tl::unexpected(precision.error());
  request.precision = *precision;
  request.max_seconds = options.max_seconds;
  request.slices = slices_of(options.slices);
  request.full_depth = full_depth_of(options.full_depth);
  request.allow_beyond_trained_context = options.allow_untrained_ctx;
  if (!options.vram_limit.empty()) {
    const Result<std::uint64_t> limit = parse_size(options.vram_limit, "--vram-limit");
    if (!limit) return tl::unexpected(limit.error());
    request.vram_limit_bytes = *limit;
  }
  const Result<Bands> bands = make_bands(options.bands);
  if (!bands) return tl::unexpected(bands.error());
  request.bands = *bands;
  request.try_anyway = options.try_anyway;
  if (names_layers(options)) {  // its errors belong before the worker's start
    if (const auto list = parse_layer_list(options.layers); !list) {
      return tl::unexpected(list.error());
    }
  }
  Result<engine::StartOptions> start = start_options(environment, options.connection);
  if (!start) return tl::unexpected(start.error());
  request.start = std::move(*start);
  request.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  return request;
}

SweepMode sweep_mode(const ProfileOptions& options) {
  // Only the adaptive sweep uses slices, so asking for them chooses it.
  if (options.adaptive || options.slices != "auto") return SweepMode::adaptive;
  if (options.quick) return SweepMode::quick;
  if (options.full) return SweepMode::full;
  return names_layers(options) ? SweepMode::custom : SweepMode::unasked;
}

report::SortBy sort_of(const ProfileOptions& options) {
  return options.sort == "layers" ? report::SortBy::layers : report::SortBy::speed;
}

}  // namespace sweetspot::cli
