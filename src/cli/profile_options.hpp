// The options of `sweetspot profile`, and the request they become.
#pragma once

#include <string>
#include <vector>

#include "cli/connection.hpp"
#include "cli/knob_options.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "profiler/request.hpp"
#include "report/run_report.hpp"

namespace sweetspot::cli {

/// As typed; checked by make_request().
struct ProfileOptions {
  std::string model_path;
  bool adaptive = false;
  bool quick = false;
  bool full = false;
  std::string layers;
  std::string slices = "auto";
  KnobTexts knobs;
  ConnectionOptions connection;
  Workload workload;
  std::string precision = "1%";
  double max_seconds = 20;
  std::string vram_limit;
  bool try_anyway = false;
  std::vector<double> bands = {50, 70, 85};
  std::string full_depth = "auto";
  bool allow_untrained_ctx = false;
  std::string sort = "speed";
  std::string output_path;
  bool json = false;
  bool no_store = false;
};

/// Parts that other measuring commands share.
void add_workload(CLI::App& app, ProfileOptions& options);
void add_measuring(CLI::App& app, ProfileOptions& options);
void add_output(CLI::App& app, ProfileOptions& options);

void add_profile_options(CLI::App& app, ProfileOptions& options);

/// Everything that can be wrong before a worker is started: kind usage, naming the flag.
Result<profiler::Request> make_request(const ProfileOptions& options,
                                       const Environment& environment);

/// How the sweep was asked for: nothing of it (then it is adaptive, or the user is asked), or one
/// of the brute-force lists.
enum class SweepMode { unasked, adaptive, quick, full, custom };
SweepMode sweep_mode(const ProfileOptions& options);

report::SortBy sort_of(const ProfileOptions& options);

}  // namespace sweetspot::cli
