#include "cli/measured_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "store/run_file.hpp"

namespace sweetspot::cli {
namespace {

bool is_model_fault(const Trial& trial) {
  if (!trial.failure) return false;
  const FailureClass failure_class = trial.failure->failure_class;
  return failure_class == FailureClass::model_invalid ||
         failure_class == FailureClass::model_unsupported ||
         failure_class == FailureClass::non_finite_output;
}

bool is_limit_of_host(const Trial& trial) {
  return trial.failure && trial.failure->failure_class == FailureClass::host_limit;
}

Result<int> nothing_measured(const Run& run) {
  const auto& results = run.results;
  const auto each = [&](bool (*is_so)(const Trial&)) {
    return !results.empty() && std::all_of(results.begin(), results.end(), is_so);
  };
  if (each(is_model_fault)) {
    return error(ErrorKind::model,
                 fmt::format("{}: {}", run.model.path, results.front().failure->message));
  }
  if (each(is_limit_of_host)) {
    return error(ErrorKind::host_limit,
                 "no configuration could be measured: " + results.front().failure->message);
  }
  return error(ErrorKind::nothing_measurable, "no configuration could be measured",
               "each row above says why its own failed");
}

Error nothing_certain(const std::string& path) {
  return {ErrorKind::nothing_measurable,
          "every speed is too uncertain to conclude anything: its interval reaches half of it or "
          "more",
          fmt::format("measure again with nothing else running, or longer (--max-seconds); the "
                      "rows are kept in {}",
                      path)};
}

}  // namespace

Result<int> conclude_run(const profiler::RunOutcome& outcome, const std::string& path) {
  const auto measured = std::count_if(outcome.run.results.begin(), outcome.run.results.end(),
                                      [](const Trial& trial) { return trial.measured(); });
  if (outcome.save_error) return tl::unexpected(*outcome.save_error);
  if (outcome.interrupted) {
    return error(ErrorKind::interrupted,
                 fmt::format("interrupted; {} measured configuration{} kept in {}", measured,
                             measured == 1 ? " is" : "s are", path));
  }
  if (outcome.device_stuck) {
    return error(ErrorKind::device, "a worker could not be ended and still holds its device",
                 "the driver needs attention; what was measured is in " + path);
  }
  const bool predicted = outcome.run.sweep && outcome.run.sweep->slices;
  if (measured == 0 && !predicted) return nothing_measured(outcome.run);
  const bool certain = std::any_of(outcome.run.results.begin(), outcome.run.results.end(),
                                   [](const Trial& trial) { return trial.conclusive(); });
  if (!certain && !predicted) return tl::unexpected(nothing_certain(path));
  return 0;
}

std::string output_path_of(const ProfileOptions& options) {
  if (!options.output_path.empty()) return options.output_path;
  return store::default_run_path(options.model_path, utc_now());
}

}  // namespace sweetspot::cli
