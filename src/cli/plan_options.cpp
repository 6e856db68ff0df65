#include "cli/plan_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <utility>

#include "core/knobs.hpp"
#include "core/text.hpp"
#include "devices/sources.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kWhat = "What to plan";
constexpr const char* kBudget = "Budget";

void add_what(CLI::App& app, PlanOptions& options) {
  app.add_option("--n-gpu-layers,--gpu-layers,--layers", options.layers,
                 "Layers wanted on the device, -1 = all (also -ngl) [-1]")
      ->type_name("N")
      ->group(kWhat);
  app.add_option("--contexts", options.contexts,
                 "Context sizes of the table (default: doubling up to the trained context)")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("N,...")
      ->group(kWhat);
  app.add_option("--cache-types", options.cache_types,
                 "One table for each type of K and V cache, for example f16,q8_0,q4_0")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("TYPE,...")
      ->group(kWhat);
  app.add_flag("--allow-untrained-ctx", options.allow_untrained_ctx,
               "Allow a context longer than the model was trained for")
      ->group(kWhat);
}

void add_budget(CLI::App& app, PlanOptions& options) {
  app.add_option("--vram-limit", options.vram_limit,
                 "Pretend that no device is larger, or plan for a card that is not here")
      ->type_name("SIZE")
      ->group(kBudget);
  app.add_option("--vram-percent", options.vram_percent,
                 "Share of a device's memory that all its users together may take")
      ->check(CLI::Range(1.0, 100.0))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(kBudget);
  app.add_option("--reserve", options.reserve, "Left free on each device on top of that")
      ->type_name("SIZE")
      ->group(kBudget);
  app.add_option("--driver-share", options.driver_share,
                 "What the driver itself takes on a device (default: as measured here, else a "
                 "stated guess)")
      ->type_name("SIZE")
      ->group(kBudget);
}

void add_output(CLI::App& app, PlanOptions& options) {
  auto* json = app.add_flag("--json", options.json, "Print the plan as JSON")->group("Output");
  app.add_flag("--flags", options.flags,
               "Print only llama-server's arguments for what fits: as asked, or with the cheapest "
               "change")
      ->excludes(json)
      ->group("Output");
}

Result<Reading<std::uint64_t>> size_if_given(const std::string& text, const char* flag) {
  if (text.empty()) return Reading<std::uint64_t>(Absence{"not given"});
  const Result<std::uint64_t> bytes = parse_size(text, flag);
  if (!bytes) return tl::unexpected(bytes.error());
  return Reading<std::uint64_t>(*bytes);
}

// The value goes through the knob, which knows what it takes and names its own flag.
Status set_from(const char* knob, const char* flag, const std::string& text, Config& config) {
  const Status set = find_knob(knob)->set(config, text);
  if (set) return {};
  return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, printable(text)),
               set.error().remedy);
}

Status set_columns(const PlanOptions& options, profiler::PlanJob& job) {
  Config column;
  for (const std::string& text : options.contexts) {
    if (auto set = set_from("n_ctx", "--contexts", text, column); !set) return set;
    job.contexts.push_back(column.context.n_ctx);
  }
  for (const std::string& text : options.cache_types) {
    if (auto set = set_from("type_k", "--cache-types", text, column); !set) return set;
    job.cache_types.push_back({text, text});
  }
  return {};
}

Status set_rules(const PlanOptions& options, profiler::PlanJob& job) {
  if (!std::isfinite(options.vram_percent)) {  // CLI11's range lets "nan" through
    return error(ErrorKind::usage, "--vram-percent takes a number from 1 to 100");
  }
  const auto limit = size_if_given(options.vram_limit, "--vram-limit");
  if (!limit) return tl::unexpected(limit.error());
  const auto reserve = size_if_given(options.reserve, "--reserve");
  if (!reserve) return tl::unexpected(reserve.error());
  const auto share = size_if_given(options.driver_share, "--driver-share");
  if (!share) return tl::unexpected(share.error());
  job.rules.limit_bytes = *limit;
  job.rules.percent = options.vram_percent;
  job.rules.reserve_bytes = reserve->value_or(0);
  job.driver_share_bytes = *share;
  return {};
}

}  // namespace

void add_plan_options(CLI::App& app, PlanOptions& options) {
  app.add_option("MODEL.gguf", options.model_path,
                 "The model, the first of its splits, or the first megabytes of each of them")
      ->required();
  add_what(app, options);
  add_knobs(app, options.knobs);
  add_budget(app, options);
  add_output(app, options);
  add_connection(app, options.connection);
}

Result<profiler::PlanJob> make_plan_job(const PlanOptions& options,
                                        const Environment& environment) {
  if (const Status path = check_path(options.model_path); !path) {
    return tl::unexpected(path.error());
  }
  profiler::PlanJob job;
  job.model_path = options.model_path;
  Result<Config> config = make_config(options.knobs);
  if (!config) return tl::unexpected(config.error());
  job.base = *std::move(config);
  if (!options.layers.empty()) {
    if (auto set = find_knob("n_gpu_layers")->set(job.base, options.layers); !set) {
      return tl::unexpected(set.error());
    }
  }
  job.n_ctx_is_default = !is_given(options.knobs, "n_ctx");
  job.allow_beyond_trained_context = options.allow_untrained_ctx;
  if (auto set = set_columns(options, job); !set) return tl::unexpected(set.error());
  if (auto set = set_rules(options, job); !set) return tl::unexpected(set.error());
  Result<engine::StartOptions> start = start_options(environment, options.connection);
  if (!start) return tl::unexpected(start.error());
  job.start = *std::move(start);
  if (!environment.data_folder.empty()) {
    job.driver_shares_path = environment.data_folder + "/driver-shares.json";
  }
  job.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  return job;
}

}  // namespace sweetspot::cli
