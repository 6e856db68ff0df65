// The options of `sweetspot choose`, and what they become.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/choosing.hpp"
#include "cli/connection.hpp"
#include "cli/requirement_options.hpp"
#include "core/error.hpp"
#include "export/export.hpp"

namespace sweetspot::cli {

/// As typed; checked by choose_request().
struct ChooseOptions {
  std::vector<std::string> model_paths;
  RequirementOptions requirements;
  std::string format;
  bool details = false;
  bool json = false;
  bool no_store = false;
  ConnectionOptions connection;
};

void add_choose_options(CLI::App& app, ChooseOptions& options);

struct ChooseRequest {
  std::vector<app::ChooseJob> jobs;         ///< one for each model; several only for a format
  std::optional<exporting::Format> format;  ///< nothing = the choice itself is printed
};

/// Errors are of kind usage and name the flag.
Result<ChooseRequest> choose_request(const ChooseOptions& options, const Environment& environment);

}  // namespace sweetspot::cli
