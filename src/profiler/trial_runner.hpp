// One trial from start to end: a worker, a sampler, a stopping rule.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "devices/sampler.hpp"
#include "engine/worker.hpp"
#include "profiler/events.hpp"
#include "profiler/forecast.hpp"
#include "profiler/marks.hpp"
#include "profiler/request.hpp"
#include "profiler/vram.hpp"
#include "search/sweep.hpp"

namespace sweetspot::profiler {

/// Runs trials of one model one after the other. Remembers what later trials are held against: the
/// memory that was free at first, the logits of the first configuration measured. Not thread safe.
class TrialRunner {
 public:
  /// `targets` are the devices that layers go to, `baseline` what drivers said before any worker
  /// was started. The references must outlive the runner.
  TrialRunner(const Request& request, const ModelInfo& model, std::vector<DeviceReport> targets,
              devices::Sampler& sampler, const devices::Snapshot& baseline,
              const Observer& observer);

  /// Never fails as a whole: what went wrong is the trial's failure. `forecast` may be nullptr; a
  /// config that it knows not to fit is not loaded, unless the request says to try anyway.
  Trial run(const search::SweepPoint& point, const Forecast* forecast);

  /// A worker could not be ended: it hangs in a driver and holds its device (R6). Trials after that
  /// fail without being tried.
  [[nodiscard]] bool stuck() const { return stuck_; }

 private:
  [[nodiscard]] Trial blank_trial(const search::SweepPoint& point) const;
  [[nodiscard]] Reading<std::uint64_t> free_bytes(const devices::Snapshot& snapshot) const;
  void wait_for_memory(Trial& trial);
  Outcome<void> measure(engine::Worker& worker, Trial& trial);
  Outcome<void> load(engine::Worker& worker, Trial& trial);
  Outcome<void> check_output(engine::Worker& worker, Trial& trial);
  Outcome<void> measure_speeds(engine::Worker& worker, Trial& trial);
  Outcome<void> measure_once(engine::Worker& worker, Trial& trial, SpeedSpans& spans);
  Outcome<Speed> measure_speed(engine::Worker& worker, const protocol::MeasureRequest& what,
                               Phase phase, double max_seconds, Span& span);
  void verify_full_depth(engine::Worker& worker, Trial& trial);
  [[nodiscard]] std::string why_full_depth_is_skipped(const Trial& trial) const;
  void read_devices_before(const engine::Worker* worker);
  void note_peaks(const devices::Window& window);
  void note_peaks(const devices::Snapshot& snapshot);
  void take_telemetry(const devices::Window& window, Trial& trial) const;
  void account_memory(Trial& trial) const;
  void check_file_is_the_same(Trial& trial) const;
  void report(Phase phase, double fraction) const;

  const Request& request_;
  const ModelInfo& model_;
  std::vector<DeviceReport> targets_;
  devices::Sampler& sampler_;
  const Observer& observer_;
  Reading<std::uint64_t> baseline_free_bytes_;  ///< sum over targets with a driver
  std::vector<DeviceUse> uses_;                 ///< of the trial under way, by target
  std::vector<float> reference_logits_;
  int reference_layers_ = 0;
  bool processes_known_ = false;  ///< the driver tells who works on the devices
  bool stuck_ = false;
};

}  // namespace sweetspot::profiler
