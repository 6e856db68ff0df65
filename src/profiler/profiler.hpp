// What a command asks of a model and a machine: a sweep over layer counts, or a tune of all knobs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/model_info.hpp"
#include "core/run.hpp"
#include "core/tune_record.hpp"
#include "profiler/events.hpp"
#include "profiler/prepared.hpp"
#include "profiler/request.hpp"

namespace sweetspot::profiler {

class Site;

/// A finished run and what else the command must know to choose its exit code.
struct RunOutcome {
  Run run;
  std::optional<Error> save_error;  ///< the first time the results file could not be written
  bool interrupted = false;
  bool device_stuck = false;  ///< a worker could not be ended (R6)
};

/// What a tune is asked for beyond the request.
struct TuneJob {
  Objective objective = Objective::request;
  TuneConstraints constraints;
  std::string workload_name;                  ///< chat, rag, code, agent, custom
  double max_seconds = 600;                   ///< the finals may take a little more
  bool allow_kv_quant = false;                ///< smaller cache types may be tried
  std::vector<std::string> fixed_knobs = {};  ///< by JSON name: those the user chose
};

/// A model and a machine that have been looked at and can be measured. Move only, not thread safe.
class Profiler {
 public:
  /// Starts a worker, connects RPC servers, reads the model's header and checks the request against
  /// both. Errors are of kind model (the file), device (a device or RPC server), usage (a context
  /// longer than the model was trained for, a workload that does not fit the context), interrupted
  /// or internal.
  static Result<Profiler> open(Request request);

  /// At a site that somebody else has prepared (profiler/site.hpp).
  Profiler(Prepared prepared, std::unique_ptr<Site> site);

  ~Profiler();
  Profiler(Profiler&&) noexcept;
  Profiler& operator=(Profiler&&) noexcept;

  [[nodiscard]] const ModelInfo& model() const { return prepared_.run.model; }

  /// Layer counts that differ on this machine: the model's blocks and output, or 0 without a
  /// device.
  [[nodiscard]] int offloadable_layers() const { return prepared_.offloadable(); }

  /// Ends what was asked for memory maps, which may hold devices. Asking again is allowed.
  void rest();

  /// Where its trials happen.
  [[nodiscard]] Site& site() { return *site_; }
  [[nodiscard]] const Prepared& all_prepared() const { return prepared_; }

  /// Everything known before the first trial, as the run starts out.
  [[nodiscard]] const Run& prepared() const { return prepared_.run; }

  /// Measures every requested layer count once; `mode` is kept in the run's settings. The run is
  /// written to the request's output path after every trial, so an abrupt end loses one trial.
  RunOutcome run(const std::vector<int>& requested_layers, const std::string& mode,
                 const Observer& observer);

  /// Measures as few layer counts as settle what a full sweep settles (search/adaptive_sweep.hpp);
  /// the others are predicted, with their intervals, in Run::sweep. Kept like run().
  RunOutcome run_adaptively(const Observer& observer);

  /// Measures `config` as it stands, in full. Kept like run().
  RunOutcome run_config(const Config& config, const std::string& mode, const Observer& observer);

  /// Searches all knobs for the config that serves the workload best (tune/tuner.hpp). The
  /// request should be `as_request`. Kept like run(), with Run::tune.
  RunOutcome tune(const TuneJob& job, const Observer& observer);

 private:
  Prepared prepared_;
  std::unique_ptr<Site> site_;
};

}  // namespace sweetspot::profiler
