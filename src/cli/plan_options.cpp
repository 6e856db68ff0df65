#include "cli/plan_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <utility>

#include "app/engines.hpp"
#include "core/knobs.hpp"
#include "core/text.hpp"
#include "devices/sources.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kWhat = "What to plan";
constexpr const char* kBudget = "Memory that may be used";

void add_what(CLI::App& app, PlanOptions& options) {
  app.add_option(
         "--n-gpu-layers,--gpu-layers,--layers", options.layers,
         "Layers on the GPU: a number, -1 or all, or auto = as many as fit (also -ngl) [-1]")
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
                 "As if on a smaller card, or on cards that are not here: 6GiB or 24GiB,8GiB")
      ->type_name("SIZE,...")
      ->group(kBudget);
  app.add_option("--host-memory", options.host_memory,
                 "RAM of the machine (default: what this one has available now)")
      ->type_name("SIZE")
      ->group(kBudget);
  app.add_option("--vram-percent", options.vram_percent,
                 "Most of a GPU's memory that may be in use, by other programs too")
      ->check(CLI::Range(1.0, 100.0))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(kBudget);
  app.add_option("--reserve", options.reserve, "Memory left free on each GPU on top of that")
      ->type_name("SIZE")
      ->group(kBudget);
  app.add_option("--driver-share", options.driver_share,
                 "What the driver itself takes of a GPU (default: as measured here, else a guess)")
      ->type_name("SIZE")
      ->group(kBudget);
}

void add_output(CLI::App& app, PlanOptions& options) {
  app.add_flag("--details", options.details,
               "Print also the memory of every configuration and other cards")
      ->group("Output");
  auto* json = app.add_flag("--json", options.json, "Print the plan as JSON")->group("Output");
  app.add_flag("--flags", options.flags, "Print only llama-server's arguments for what fits")
      ->excludes(json)
      ->group("Output");
}

Result<Reading<std::uint64_t>> size_if_given(const std::string& text, const char* flag) {
  if (text.empty()) return Reading<std::uint64_t>(Absence{"not given"});
  const Result<std::uint64_t> bytes = parse_size(text, flag);
  if (!bytes) return tl::unexpected(bytes.error());
  return Reading<std::uint64_t>(*bytes);
}

// "24GiB,8GiB": one size for each card, in order.
Result<std::vector<std::uint64_t>> sizes_in(std::string_view text, const char* flag) {
  std::vector<std::uint64_t> sizes;
  while (true) {
    const std::size_t comma = text.find(',');
    const Result<std::uint64_t> bytes = parse_size(text.substr(0, comma), flag);
    if (!bytes) return tl::unexpected(bytes.error());
    if (*bytes == 0) {
      return error(ErrorKind::usage, fmt::format("{}: a card of 0 bytes is none", flag),
                   "leave it out, or plan for the CPU with -ngl 0");
    }
    sizes.push_back(*bytes);
    if (comma == std::string_view::npos) return sizes;
    text.remove_prefix(comma + 1);
  }
}

// The value goes through the knob, which knows what it takes and names its own flag.
Status set_from(const char* knob, const char* flag, const std::string& text, Config& config) {
  const Status set = find_knob(knob)->set(config, text);
  if (set) return {};
  return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, shortened(text)),
               set.error().remedy);
}

Status set_columns(const PlanOptions& options, profiler::PlanJob& job) {
  Config column;
  for (const std::string& text : options.contexts) {
    if (auto set = set_from("n_ctx", "--contexts", text, column); !set) return set;
    if (column.context.n_ctx == 0) {
      return error(ErrorKind::usage, "--contexts does not take '0'", "give sizes from 1 on");
    }
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
  if (!options.vram_limit.empty()) {
    auto limits = sizes_in(options.vram_limit, "--vram-limit");
    if (!limits) return tl::unexpected(limits.error());
    job.rules.limits_bytes = *std::move(limits);
  }
  const auto reserve = size_if_given(options.reserve, "--reserve");
  if (!reserve) return tl::unexpected(reserve.error());
  const auto share = size_if_given(options.driver_share, "--driver-share");
  if (!share) return tl::unexpected(share.error());
  job.rules.percent = options.vram_percent;
  job.rules.reserve_bytes = reserve->value_or(0);
  job.driver_share_bytes = *share;
  return {};
}

Status set_host(const PlanOptions& options, std::optional<std::uint64_t> reserve_bytes,
                profiler::PlanJob& job) {
  const auto memory = size_if_given(options.host_memory, "--host-memory");
  if (!memory) return tl::unexpected(memory.error());
  if (!*memory) return {};
  job.host = profiler::DescribedHost{
      **memory, reserve_bytes.value_or(app::default_host_reserve_bytes(**memory))};
  return {};
}

}  // namespace

void add_plan_options(CLI::App& app, PlanOptions& options) {
  app.add_option("-m,--model,MODEL.gguf", options.model_path,
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
    job.layers_are_auto = options.layers == "auto";
  }
  job.n_ctx_is_default = !is_given(options.knobs, "n_ctx");
  job.cache_ram_is_default = !is_given(options.knobs, "cache_ram_mib");
  job.checkpoints_are_default = !is_given(options.knobs, "n_ctx_checkpoints");
  job.allow_beyond_trained_context = options.allow_untrained_ctx;
  if (auto set = set_columns(options, job); !set) return tl::unexpected(set.error());
  if (auto set = set_rules(options, job); !set) return tl::unexpected(set.error());
  if (const Status told = app::check_can_be_told(environment.workplace, job.base); !told) {
    return tl::unexpected(told.error());
  }
  const Result<app::Connection> connection = connection_of(options.connection, environment);
  if (!connection) return tl::unexpected(connection.error());
  Result<engine::StartOptions> start = app::start_options(environment.workplace, *connection);
  if (!start) return tl::unexpected(start.error());
  job.start = *std::move(start);
  if (auto set = set_host(options, connection->host_reserve_bytes, job); !set)
    return tl::unexpected(set.error());
  job.driver_shares_path = environment.workplace.driver_shares_path();
  job.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  return job;
}

}  // namespace sweetspot::cli
