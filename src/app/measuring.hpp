// What `profile` and `tune` have in common: a model is opened, measured, and what came of it is
// kept.
#pragma once

#include <functional>
#include <string>

#include "app/set_kept.hpp"
#include "app/workplace.hpp"
#include "core/error.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::app {

struct MeasuringJob {
  profiler::Request request;  ///< without an output path the run lies in the data folder
  bool keep = true;           ///< the run, in the data folder
  bool keep_profiles = true;  ///< those that the run gives, beside it
};

/// What the caller does between the steps, in this order. All but `measure` may be empty.
struct MeasuringSteps {
  std::function<void(const Run& prepared)> on_prepared;
  std::function<Result<profiler::RunOutcome>(profiler::Profiler&)> measure;
  std::function<void(const Run&)> on_measured;
  std::function<void(const SetKept&)> on_set_kept;
  std::function<void(const std::string& path)> on_saved;  ///< not where the run could not be
};

/// Errors: a results file that cannot be written (output, before anything is started), those of
/// Profiler::open and of `measure`, and those of conclude_run().
Status measure(MeasuringJob job, const MeasuringSteps& steps, const Workplace& workplace);

/// What the user must hear first of a run that is kept at `path`: it could not be saved (output),
/// was interrupted, left a worker behind (device), or settled nothing (nothing_measurable; model or
/// host_limit where that is why).
Status conclude_run(const profiler::RunOutcome& outcome, const std::string& path);

}  // namespace sweetspot::app
