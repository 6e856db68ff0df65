// What a profile must keep to, as `choose` and `launch` ask for it.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "core/error.hpp"
#include "profiles/choose.hpp"
#include "profiles/pick_set.hpp"

namespace sweetspot::cli {

/// As typed; checked by requirements_of().
struct RequirementOptions {
  std::string profile = "auto";
  std::string min_ctx;
  double vram_percent = 85;
  std::string prefer = "speed";
  std::string reserve;
  std::string host_program;
  std::string workload;
};

void add_requirements(CLI::App& app, RequirementOptions& options);

/// The program that was named, else `usual`: what will load the profile as far as is known. Errors
/// are of kind usage.
Result<HostProgram> host_program_of(const RequirementOptions& options, HostProgram usual);

/// Errors are of kind usage and name the flag.
Result<profiles::Requirements> requirements_of(const RequirementOptions& options);

struct Wanted {
  profiles::Requirements requirements;
  profiles::WantedSet set;  ///< which of the kept sets is meant
};

/// All of the options but the program. Errors are of kind usage and name the flag.
Result<Wanted> wanted_of(const RequirementOptions& options);

}  // namespace sweetspot::cli
