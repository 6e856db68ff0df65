// One trial from start to end: a worker, a sampler, a stopping rule.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "devices/sampler.hpp"
#include "engine/worker.hpp"
#include "measure/stopping_rule.hpp"
#include "profiler/events.hpp"
#include "profiler/forecast.hpp"
#include "profiler/marks.hpp"
#include "profiler/request.hpp"
#include "profiler/vram.hpp"
#include "profiler/watch.hpp"

namespace sweetspot::profiler {

/// One config to measure, and how much of the workload.
struct TrialAsk {
  Config config;
  int layers = 0;                          ///< effective
  std::vector<int> requested_layers = {};  ///< every request that means it
  Extent extent = Extent::full;
  double rival_ms = 0;      ///< per token: what is plainly slower need not be exact
  std::string reason = {};  ///< why it is run; empty where it was asked for
  std::string title = {};   ///< what tells it from the others; empty = its layers
  std::optional<Failure> not_tried = std::nullopt;  ///< record this instead of measuring
};

/// Runs trials of one model one after the other. Remembers what later trials are held against: the
/// memory that was free at first, the logits of the first configuration measured. The worker of the
/// last trial is kept, so that another context or what the trial left out costs no load. Not thread
/// safe.
class TrialRunner {
 public:
  /// `targets` are the devices that layers go to, `baseline` what drivers said before any worker
  /// was started. The references must outlive the runner.
  TrialRunner(const Request& request, const ModelInfo& model, std::vector<DeviceReport> targets,
              devices::Sampler& sampler, const devices::Snapshot& baseline,
              const Observer& observer);

  /// Never fails as a whole: what went wrong is the trial's failure. `forecast` may be nullptr; a
  /// config that it knows not to fit is not loaded, unless the request says to try anyway.
  Trial run(const TrialAsk& ask, const Forecast* forecast);

  /// Measures what `trial`, the last one run, left out. False where its worker is gone: then it is
  /// as it was.
  bool complete(Trial& trial);

  /// Ends the worker of the last trial, which holds its devices; what goes wrong is noted in
  /// `last`, which may be nullptr.
  void release(Trial* last);

  /// A worker could not be ended: it hangs in a driver and holds its device (R6). Trials after that
  /// fail without being tried.
  [[nodiscard]] bool stuck() const { return stuck_; }

 private:
  /// Which speeds to measure now.
  struct Wanted {
    bool generation = true;
    bool prompt = true;
    double rival_ms = 0;  ///< as TrialAsk
  };

  /// A worker that holds a placement, maybe with a context.
  struct Held {
    engine::Worker worker;
    Placement placement;
    std::optional<ContextSettings> context;
    Reading<int> offloaded;
    bool has_reference = false;  ///< keeps the output of an f16 cache
  };

  [[nodiscard]] Trial blank_trial(const TrialAsk& ask) const;
  [[nodiscard]] std::optional<Failure> why_not_run(const TrialAsk& ask,
                                                   const Forecast* forecast) const;
  [[nodiscard]] Reading<std::uint64_t> free_bytes(const devices::Snapshot& snapshot) const;
  void wait_for_memory(Trial& trial);
  Outcome<void> hold(Trial& trial);
  Outcome<void> make_context(Trial& trial);
  Outcome<void> measure(Trial& trial, double rival_ms);
  Outcome<void> check_output(Trial& trial);
  Outcome<void> keep_reference(const Trial& trial);
  Outcome<void> check_divergence(Trial& trial);
  Outcome<void> measure_prompt(Trial& trial, const Wanted& wanted, SpeedSpans& spans);
  Outcome<void> measure_generation(Trial& trial, const Wanted& wanted, SpeedSpans& spans);
  Outcome<void> measure_speeds(Trial& trial, const Wanted& wanted);
  Outcome<void> measure_once(Trial& trial, const Wanted& wanted, SpeedSpans& spans);
  Outcome<Speed> measure_speed(const protocol::MeasureRequest& what, Phase phase,
                               const measure::StoppingOptions& options, Span& span);
  void verify_full_depth(Trial& trial);
  [[nodiscard]] std::string why_full_depth_is_skipped(const Trial& trial) const;
  void read_devices_before(const engine::Worker* worker);
  void note_peaks(const devices::Window& window);
  void note_peaks(const devices::Snapshot& snapshot);
  void take_telemetry(const devices::Window& window, Trial& trial) const;
  void account_memory(Trial& trial) const;
  void check_file_is_the_same(Trial& trial) const;
  void conclude(Trial& trial, const Outcome<void>& measured);
  void report(Phase phase, double fraction) const;

  const Request& request_;
  const ModelInfo& model_;
  std::vector<DeviceReport> targets_;
  std::vector<DeviceReport> used_;  ///< by the trial: all targets, none for the CPU alone
  devices::Sampler& sampler_;
  const Observer& observer_;
  Reading<std::uint64_t> baseline_free_bytes_;  ///< sum over targets with a driver
  std::vector<DeviceUse> uses_;                 ///< around the worker that is held, by `used_`
  std::optional<Held> held_;
  std::vector<float> reference_logits_;
  int reference_layers_ = 0;
  bool processes_known_ = false;  ///< the driver tells who works on the devices
  WatchLimits patience_;          ///< how long neighbours are waited for
  bool stuck_ = false;
};

}  // namespace sweetspot::profiler
