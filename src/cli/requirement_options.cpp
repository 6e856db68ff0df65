#include "cli/requirement_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <utility>

#include "cli/connection.hpp"
#include "cli/knob_options.hpp"
#include "cli/workload_option.hpp"
#include "core/knobs.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {

void add_requirements(CLI::App& app, RequirementOptions& options) {
  constexpr const char* kRequirements = "Requirements";
  app.add_option("--profile", options.profile,
                 "The profile to begin with: auto = the fastest that fits, or fast, balanced, "
                 "performance, cpu_fallback, tuned, ...")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kRequirements);
  app.add_option("--min-ctx", options.min_ctx, "Tokens of context that each sequence needs")
      ->type_name("N")
      ->group(kRequirements);
  app.add_option("--vram-percent", options.vram_percent,
                 "Most of a GPU's memory that may be in use, by other programs too")
      ->check(CLI::Range(1.0, 100.0))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(kRequirements);
  app.add_option("--prefer", options.prefer, "speed, or memory: at most half of each GPU")
      ->check(CLI::IsMember({"speed", "memory"}))
      ->type_name("WHAT")
      ->capture_default_str()
      ->group(kRequirements);
  app.add_option("--reserve", options.reserve, "Memory left free on each GPU on top of that")
      ->type_name("SIZE")
      ->group(kRequirements);
  app.add_option("--workload", options.workload,
                 "The requests you have, where several were measured: chat, rag, code, agent or "
                 "PROMPT,GENERATED[,BEFORE] in tokens (default: measured last)")
      ->type_name("NAME")
      ->group(kRequirements);
  add_host_program(app, options.host_program, kRequirements);
}

Result<HostProgram> host_program_of(const RequirementOptions& options, HostProgram usual) {
  return options.host_program.empty() ? usual : parse_host_program(options.host_program);
}

Result<profiles::Requirements> requirements_of(const RequirementOptions& options) {
  profiles::Requirements wanted;
  wanted.profile = options.profile;
  if (!std::isfinite(options.vram_percent)) {  // CLI11's range lets "nan" through
    return error(ErrorKind::usage, "--vram-percent takes a number from 1 to 100");
  }
  wanted.max_vram_percent = options.vram_percent;
  if (options.prefer == "memory") wanted.prefer = profiles::Preference::memory;
  if (!options.min_ctx.empty()) {
    Config config;
    if (const Status set = find_knob("n_ctx")->set(config, options.min_ctx); !set) {
      return error(ErrorKind::usage,
                   fmt::format("--min-ctx does not take '{}'", shortened(options.min_ctx)),
                   set.error().remedy);
    }
    wanted.min_ctx = config.context.n_ctx;
  }
  if (!options.reserve.empty()) {
    const Result<std::uint64_t> bytes = parse_size(options.reserve, "--reserve");
    if (!bytes) return tl::unexpected(bytes.error());
    wanted.reserve_bytes = *bytes;
  }
  return wanted;
}

Result<Wanted> wanted_of(const RequirementOptions& options) {
  Result<profiles::Requirements> requirements = requirements_of(options);
  if (!requirements) return tl::unexpected(requirements.error());
  Wanted wanted = {*std::move(requirements), {}};
  wanted.set.min_ctx = wanted.requirements.min_ctx;
  if (options.workload.empty()) return wanted;
  const Result<Workload> workload = parse_workload(options.workload);
  if (!workload) return tl::unexpected(workload.error());
  wanted.set.workload = *workload;
  return wanted;
}

}  // namespace sweetspot::cli
