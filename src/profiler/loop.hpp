// The only loop: ask, run a trial or complete the last one, tell, keep. A run under way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/run.hpp"
#include "profiler/asker.hpp"
#include "profiler/events.hpp"
#include "profiler/forecast.hpp"
#include "profiler/prepared.hpp"
#include "profiler/profiler.hpp"
#include "profiler/site.hpp"
#include "profiler/trial_runner.hpp"

namespace sweetspot::profiler {

/// Not thread safe. The references must outlive it.
class Loop {
 public:
  Loop(const Prepared& prepared, Site& site, const std::string& mode, const Observer& observer);

  [[nodiscard]] const Prepared& prepared() const { return prepared_; }
  Run& run() { return outcome_.run; }
  [[nodiscard]] bool cancelled() { return site_.cancelled(); }
  [[nodiscard]] bool has_results() const { return !outcome_.run.results.empty(); }
  [[nodiscard]] const std::vector<Trial>& results() const { return outcome_.run.results; }

  /// Whether `ask` wants what the last trial left out, and there is something left out of it.
  [[nodiscard]] bool completes(const TrialAsk& ask) const;

  void say(const Event& event) const {
    if (observer_) observer_(event);
  }

  /// What llama.cpp says of the configs, before the first trial: that it cannot be asked is said,
  /// and of what llama-server keeps beside them it is asked too.
  Forecasts forecast(const std::vector<Config>& configs);

  /// What llama.cpp says of the configs; while nothing is held.
  Forecasts ask_maps(const std::vector<Config>& configs);

  /// Until the asker has no more to ask, or the run is cancelled. Kept after every trial.
  void drive(Asker& asker);

  /// Nothing more is measured with what is loaded.
  void release_model();

  RunOutcome end();

 private:
  void measure(const TrialAsk& ask);
  void note_once(const std::optional<std::string>& doubt, bool& is_said);
  void finish_trial(bool keep_model);
  Reading<std::uint64_t> ask_checkpoint();
  void conclude();
  void save();

  const Prepared& prepared_;
  Site& site_;
  const Observer& observer_;
  RunOutcome outcome_;
  TrialRunner runner_;
  bool doubts_clocks_ = false;  ///< the machine is doubted already
  bool doubts_link_ = false;
};

}  // namespace sweetspot::profiler
