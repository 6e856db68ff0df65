#include "cli/choose_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <vector>

#include "core/knobs.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {
namespace {

std::string format_names() {
  std::vector<std::string_view> names;
  for (const exporting::Format format : exporting::formats()) names.push_back(to_string(format));
  return fmt::format("{}", fmt::join(names, ", "));
}

void add_requirements(CLI::App& app, ChooseOptions& options) {
  constexpr const char* kGroup = "What must hold";
  app.add_option("--profile", options.profile, "The profile to begin with, auto = the fastest")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--min-ctx", options.min_ctx, "Tokens of context that each sequence needs")
      ->type_name("N")
      ->group(kGroup);
  app.add_option("--max-vram-percent", options.max_vram_percent,
                 "Share of a device's memory that all its users together may take")
      ->check(CLI::Range(1.0, 100.0))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--prefer", options.prefer,
                 "speed, or memory: at most half of each device is taken")
      ->check(CLI::IsMember({"speed", "memory"}))
      ->type_name("WHAT")
      ->capture_default_str()
      ->group(kGroup);
  app.add_option("--reserve", options.reserve, "Left free on each device on top of that")
      ->type_name("SIZE")
      ->group(kGroup);
}

void add_output(CLI::App& app, ChooseOptions& options) {
  constexpr const char* kGroup = "Output";
  auto* json = app.add_flag("--json", options.json, "Print the choice as JSON")->group(kGroup);
  app.add_option("--format", options.format,
                 "Print only the chosen profile, as another program reads it: " + format_names())
      ->type_name("FORMAT")
      ->excludes(json)
      ->group(kGroup);
  app.add_flag("--no-store", options.no_store, "Do not keep a set that had to be planned")
      ->group(kGroup);
}

}  // namespace

void add_choose_options(CLI::App& app, ChooseOptions& options) {
  app.add_option("MODEL.gguf", options.model_path, "The model, or the first of its splits")
      ->required();
  add_requirements(app, options);
  add_output(app, options);
  add_connection(app, options.connection);
}

Result<ChooseRequest> choose_request(const ChooseOptions& options) {
  if (const Status path = check_path(options.model_path); !path) {
    return tl::unexpected(path.error());
  }
  ChooseRequest request;
  request.wanted.profile = options.profile;
  if (!std::isfinite(options.max_vram_percent)) {  // CLI11's range lets "nan" through
    return error(ErrorKind::usage, "--max-vram-percent takes a number from 1 to 100");
  }
  request.wanted.max_vram_percent = options.max_vram_percent;
  request.wanted.prefer =
      options.prefer == "memory" ? profiles::Preference::memory : profiles::Preference::speed;
  if (!options.min_ctx.empty()) {
    Config config;
    if (const Status set = find_knob("n_ctx")->set(config, options.min_ctx); !set) {
      return error(ErrorKind::usage,
                   fmt::format("--min-ctx does not take '{}'", printable(options.min_ctx)),
                   set.error().remedy);
    }
    request.wanted.min_ctx = config.context.n_ctx;
  }
  if (!options.reserve.empty()) {
    const Result<std::uint64_t> bytes = parse_size(options.reserve, "--reserve");
    if (!bytes) return tl::unexpected(bytes.error());
    request.wanted.reserve_bytes = *bytes;
  }
  if (!options.format.empty()) {
    request.format = exporting::format_from_string(options.format);
    if (!request.format) {
      return error(ErrorKind::usage,
                   fmt::format("--format does not take '{}'", printable(options.format)),
                   "give one of " + format_names());
    }
  }
  return request;
}

}  // namespace sweetspot::cli
