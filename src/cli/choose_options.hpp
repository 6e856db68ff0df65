// The options of `sweetspot choose`, and what they become.
#pragma once

#include <optional>
#include <string>

#include "cli/connection.hpp"
#include "cli/requirement_options.hpp"
#include "core/error.hpp"
#include "export/export.hpp"
#include "profiles/choose.hpp"

namespace sweetspot::cli {

/// As typed; checked by choose_request().
struct ChooseOptions {
  std::string model_path;
  RequirementOptions requirements;
  std::string format;
  bool json = false;
  bool no_store = false;
  ConnectionOptions connection;
};

void add_choose_options(CLI::App& app, ChooseOptions& options);

struct ChooseRequest {
  profiles::Requirements wanted;
  std::optional<exporting::Format> format;
  HostProgram host_program = HostProgram::llama_server;  ///< that will load the profile
  profiles::WantedSet set;
};

/// Errors are of kind usage and name the flag.
Result<ChooseRequest> choose_request(const ChooseOptions& options);

}  // namespace sweetspot::cli
