// The options of `sweetspot launch`, and the parts of the job they become.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/requirement_options.hpp"
#include "core/error.hpp"
#include "launch/launch.hpp"
#include "profiles/choose.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

/// As typed; checked by the functions below.
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

/// Error (usage): an endpoint of --rpc that is none.
Status check_rpc(const LaunchOptions& options);

/// Everything of the job but its rungs and its address.
launch::Job job_of(const LaunchOptions& options, launch::Program program,
                   std::uint64_t model_bytes);

/// The program to start: found in PATH, or among the programs of our own llama.cpp.
/// Errors (usage): it is not there.
Result<launch::Program> find_program(const std::vector<std::string>& command);

}  // namespace sweetspot::cli
