// One trial from start to end: a model is held, checked, measured, and its memory accounted for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "devices/sampler.hpp"
#include "profiler/events.hpp"
#include "profiler/held_model.hpp"
#include "profiler/memory_account.hpp"
#include "profiler/output_check.hpp"
#include "profiler/request.hpp"
#include "profiler/site.hpp"
#include "profiler/speeds.hpp"
#include "profiler/trial_ask.hpp"
#include "tune/in_turn.hpp"

namespace sweetspot::profiler {

/// Runs trials of one model one after the other. What the last trial loaded is kept, so that
/// another context or what the trial left out costs no load. Not thread safe.
class TrialRunner {
 public:
  /// `targets` are the devices that layers go to, `baseline` what drivers said before any worker
  /// was started. The references must outlive the runner.
  TrialRunner(const Request& request, const ModelInfo& model, std::vector<DeviceReport> targets,
              Site& site, const devices::Snapshot& baseline, const Observer& observer);

  /// Never fails as a whole: what went wrong is the trial's failure.
  Trial run(const TrialAsk& ask);

  /// Measures what `trial`, the last one run, left out. False where its worker is gone: then it is
  /// as it was.
  bool complete(Trial& trial);

  /// Loads `other` beside the config of the last trial and lets the two take turns, `other` as the
  /// baseline, until `judge` has enough; then `other` is gone again. Nothing where there is no room
  /// for it now. What the last trial loaded is held as before, unless its worker died.
  /// `other_site`: where the other one is loaded, with another engine; nullptr = here.
  Outcome<void> take_turns(const Trial& last, const Trial& other, tune::InTurn& judge,
                           Site* other_site = nullptr);

  /// Ends the worker of the last trial, which holds its devices; what goes wrong is noted in
  /// `last`, which may be nullptr.
  void release(Trial* last);

  /// As link_doubt(), of the last trial that was measured.
  [[nodiscard]] const std::optional<std::string>& slow_link() const { return memory_.slow_link(); }

  /// A worker could not be ended: it hangs in a driver and holds its device (R6). Trials after that
  /// fail without being tried.
  [[nodiscard]] bool stuck() const { return held_.stuck(); }

 private:
  [[nodiscard]] Trial blank_trial(const TrialAsk& ask) const;
  [[nodiscard]] std::optional<Failure> why_not_run(const TrialAsk& ask) const;
  Outcome<void> load(Trial& trial);
  Outcome<void> make_context(Trial& trial, bool loads);
  Outcome<void> measure(Trial& trial, double rival_ms);
  void check_file_is_the_same(Trial& trial) const;
  void conclude(Trial& trial, const Outcome<void>& measured);

  const Request& request_;
  const ModelInfo& model_;
  Site& site_;
  const Observer& observer_;
  HeldModel held_;
  MemoryAccount memory_;
  OutputCheck output_;
  Speeds speeds_;
};

}  // namespace sweetspot::profiler
