// The options of `sweetspot launch`, and the request they become.
#pragma once

#include <string>
#include <vector>

#include "app/launching.hpp"
#include "cli/requirement_options.hpp"
#include "core/error.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

/// As typed; checked by launch_request().
struct LaunchOptions {
  std::string model_path;
  std::vector<std::string> command;  ///< after "--"; empty = llama-server
  RequirementOptions requirements;
  std::vector<std::string> rpc;
  std::string host = "127.0.0.1";
  int port = 8080;
  std::string api_key;
  bool no_probe = false;
  double load_timeout_seconds = 0;
  double probe_timeout_seconds = 60;
  double max_seconds = 0;
  double stop_timeout_seconds = 10;
  double watermark_percent = 95;
  bool adapt = false;
  double adapt_down_after_seconds = 5;
  double adapt_up_after_seconds = 60;
  double drain_seconds = 30;
  bool dry_run = false;
  bool json = false;
};

void add_launch_options(CLI::App& app, LaunchOptions& options);

/// Finds the program too. Errors are of kind usage and name the flag, or the program that is not
/// there.
Result<app::LaunchRequest> launch_request(const LaunchOptions& options,
                                          const Environment& environment);

}  // namespace sweetspot::cli
