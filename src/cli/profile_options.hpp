// The options of `sweetspot profile`, and the request they become.
#pragma once

#include <string>
#include <vector>

#include "cli/measuring_options.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "profiler/request.hpp"
#include "report/run_report.hpp"

namespace sweetspot::cli {

/// As typed; checked by make_profile().
struct ProfileOptions {
  MeasuringOptions measuring;
  Workload workload;
  bool adaptive = false;
  bool quick = false;
  bool full = false;
  std::string layers;
  std::string slices = "auto";
  bool try_anyway = false;
  std::vector<double> bands = {50, 70, 85};
  std::string sort = "speed";
  bool no_chart = false;
};

void add_profile_options(CLI::App& app, ProfileOptions& options);

/// How the sweep was asked for: nothing of it (then it is adaptive, or the user is asked), or one
/// of the brute-force lists.
enum class SweepMode { unasked, adaptive, quick, full, custom };
SweepMode sweep_mode(const ProfileOptions& options);

struct ProfileRequest {
  profiler::Request request;
  SweepMode mode = SweepMode::unasked;
  std::vector<int> layers = {};  ///< of a custom sweep
};

/// Everything that can be wrong before a worker is started: kind usage, naming the flag.
Result<ProfileRequest> make_profile(const ProfileOptions& options, const Environment& environment);

report::SortBy sort_of(const ProfileOptions& options);

}  // namespace sweetspot::cli
