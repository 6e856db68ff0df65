#include "app/measuring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "history/index.hpp"
#include "store/run_file.hpp"
#include "store/run_place.hpp"

namespace sweetspot::app {
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

Error nothing_measured(const Run& run) {
  const auto& results = run.results;
  const auto each = [&](const auto& is_so) {
    return !results.empty() && std::all_of(results.begin(), results.end(), is_so);
  };
  if (each(is_model_fault)) {
    return {ErrorKind::model,
            fmt::format("{}: {}", run.model.path, results.front().failure->message), ""};
  }
  const bool limited = each(is_limit_of_host);
  if (limited || each([&](const Trial& trial) {
        return trial.failure && trial.failure->message == results.front().failure->message;
      })) {
    return {limited ? ErrorKind::host_limit : ErrorKind::nothing_measurable,
            "no configuration could be measured: " + results.front().failure->message, ""};
  }
  return {ErrorKind::nothing_measurable, "no configuration could be measured",
          "--details says of each row why it failed"};
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

Status conclude_run(const profiler::RunOutcome& outcome, const std::string& path) {
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
  if (measured == 0 && !predicted) return tl::unexpected(nothing_measured(outcome.run));
  const bool certain = std::any_of(outcome.run.results.begin(), outcome.run.results.end(),
                                   [](const Trial& trial) { return trial.conclusive(); });
  if (!certain && !predicted) return tl::unexpected(nothing_certain(path));
  return {};
}

namespace {

// What nobody wants to keep still lies somewhere until the machine is restarted: it was measured.
Result<store::RunPlace> place_of_run(const MeasuringJob& job, const Workplace& workplace) {
  const std::string& model = job.request.model_path;
  if (job.keep) return store::place_for_run(workplace.data_folder, model, utc_now());
  std::error_code none;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  return store::RunPlace::take(folder.string(),
                               "sweetspot-" + store::run_file_name(model, utc_now()));
}

// The file is written; a history that cannot be is no reason to say that the run failed.
void remember(const std::string& path, const Workplace& workplace) {
  if (workplace.data_folder.empty()) return;
  Result<history::Index> index = history::Index::open(workplace.data_folder);
  if (index) static_cast<void>(index->add(path));
}

}  // namespace

Status measure(MeasuringJob job, const MeasuringSteps& steps, const Workplace& workplace) {
  std::string& path = job.request.output_path;
  const bool lies_elsewhere = !path.empty();
  std::optional<store::RunPlace> place;
  if (path.empty()) {
    Result<store::RunPlace> taken = place_of_run(job, workplace);
    if (!taken) return tl::unexpected(taken.error());
    place = *std::move(taken);
    path = place->path();
  } else if (const Status writable = store::check_writable(path); !writable) {
    return tl::unexpected(writable.error());
  }
  // What is still needed when the profiler has the request.
  const std::string kept_at = path;
  const std::string model_path = job.request.model_path;
  const engine::StartOptions start = job.request.start;
  Result<profiler::Profiler> profiler = profiler::Profiler::open(std::move(job.request));
  if (!profiler) return tl::unexpected(profiler.error());
  if (steps.on_prepared) steps.on_prepared(profiler->prepared());
  const Result<profiler::RunOutcome> outcome = steps.measure(*profiler);
  if (!outcome) return tl::unexpected(outcome.error());
  if (steps.on_measured) steps.on_measured(outcome->run);
  if (job.keep && job.keep_profiles) {
    const SetKept kept = keep_set_of(outcome->run, model_path, start, workplace);
    if (steps.on_set_kept) steps.on_set_kept(kept);
  }
  if (!outcome->save_error) {
    if (job.keep && lies_elsewhere) remember(kept_at, workplace);
    if (steps.on_saved) steps.on_saved(kept_at);
  }
  return conclude_run(*outcome, kept_at);
}

}  // namespace sweetspot::app
