// What profiling and tuning share: a model and a machine that have been looked at, and a run under
// way. Only the files of Profiler include this.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/sampler.hpp"
#include "engine/oracle.hpp"
#include "profiler/forecast.hpp"
#include "profiler/profiler.hpp"
#include "profiler/trial_runner.hpp"
#include "search/adaptive_sweep.hpp"

namespace sweetspot::profiler {

struct Profiler::State {
  Request request;
  Run run;
  std::vector<DeviceReport> targets;
  std::unique_ptr<devices::Sampler> sampler;
  devices::Snapshot baseline;  ///< before any worker was started
  std::optional<engine::Oracle> oracle;

  [[nodiscard]] int offloadable() const {
    return targets.empty() ? 0 : run.model.offloadable_layers();
  }
  [[nodiscard]] bool cancelled() const {
    return request.start.cancel != nullptr && request.start.cancel->cancelled();
  }
  [[nodiscard]] Config with_layers(int layers) const;  ///< beside the devices, even of 0
  [[nodiscard]] Config on_cpu_alone() const;

  /// One context checkpoint of llama-server, with the settings that all trials share.
  Reading<std::uint64_t> ask_checkpoint();

  /// What llama.cpp says of the configs. Ends the oracle's worker, which holds its devices: it must
  /// be gone before anything is measured; asking again starts another.
  Forecasts ask_oracle(const std::vector<Config>& configs);

  /// Gives every candidate what slices of the model predict, where they are wanted and can tell.
  std::optional<SliceRecord> measure_slices(std::vector<search::LayerCandidate>& candidates,
                                            const Loop& loop);

  /// The context each result of a tune's front would still fit with.
  void measure_front(Run& current);

  /// What follows from the trials as a whole.
  void conclude(Run& current) const;
};

/// A run under way: its trials, and what is done after each.
class Profiler::Loop {
 public:
  Loop(State& state, const std::string& mode, const Observer& observer);

  Run& run() { return outcome_.run; }

  void say(const Event& event) const {
    if (observer_) observer_(event);
  }

  /// What llama.cpp says of the configs; that it cannot be asked is said.
  Forecasts forecast(const std::vector<Config>& configs);

  /// A trial of its own; `total` is how many there will be, 0 where nobody knows.
  const Trial& measure(const TrialAsk& ask, const Forecast* forecast, std::size_t total);

  /// 0 layers beside a device: the CPU generates, of weights that llama.cpp repacks for it only
  /// where there is no device, and the device reads prompts: a row of its own where there is a
  /// device, a prompt and room for its buffers.
  void measure_beside_device(const Config& config, const Forecast* forecast);

  /// What the last trial left out; false where that needs a trial of its own.
  bool complete(const std::string& reason);

  /// The last trial is over: its worker stays where `keep_worker`, and what is known is kept.
  void finish_trial(bool keep_worker);

  /// Nothing more is measured with what is loaded.
  void release_worker();

  RunOutcome end();

 private:
  void save();

  State& state_;
  const Observer& observer_;
  TrialRunner runner_;
  RunOutcome outcome_;
};

/// Of a list that may be empty because llama.cpp could not be asked.
inline const Forecast* forecast_at(const Forecasts& forecasts, std::size_t index) {
  return forecasts.of_config.empty() ? nullptr : &forecasts.of_config[index];
}

}  // namespace sweetspot::profiler
