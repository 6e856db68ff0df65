#include "profiler/trial_runner.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "profiler/failed.hpp"
#include "profiler/taking_turns.hpp"
#include "profiler/whole_context.hpp"

namespace sweetspot::profiler {

TrialRunner::TrialRunner(const Request& request, const ModelInfo& model,
                         std::vector<DeviceReport> targets, Site& site,
                         const devices::Snapshot& baseline, const Observer& observer)
    : request_(request),
      model_(model),
      site_(site),
      observer_(observer),
      held_(site, model),
      memory_(site, std::move(targets), baseline, request.vram_limit_bytes),
      output_(request.max_divergence, observer),
      speeds_(request, site, observer) {}

Trial TrialRunner::run(const TrialAsk& ask) {
  Trial trial = blank_trial(ask);
  if (ask.forecast != nullptr) {
    trial.predicted = ask.forecast->memory;
    trial.missing_bytes = ask.forecast->missing_bytes;
  }
  if (!held_.holds(ask.config.placement)) release(nullptr);
  memory_.choose_devices(ask.config.placement);
  if (auto why = why_not_run(ask)) {
    trial.failure = std::move(why);
    return trial;
  }
  Outcome<void> measured = load(trial);
  if (measured) measured = measure(trial, ask.rival_ms);
  conclude(trial, measured);
  return trial;
}

bool TrialRunner::complete(Trial& trial) {
  if (!held_.holds(trial.config) || !trial.measured()) return false;
  trial.extent = Extent::full;
  const bool prompts = trial.workload.n_prompt > 0;
  const bool generates = trial.workload.generates();
  const bool precise = measure::is_precise(*trial.speed(), limits_of(request_));
  WantedSpeeds missing{generates && !precise, generates ? !trial.prompt && prompts : !precise};
  // What was disturbed is measured anew as a whole: whoever disturbed may have gone.
  if (!trial.disturbances.empty() && !trial.is(Disturbance::spilled)) {
    missing = {generates, prompts};
    trial.disturbances.clear();
    trial.contended_for.clear();
  }
  Outcome<void> measured;
  if (missing.generation || missing.prompt) {
    measured = speeds_.measure(held_.holder(), trial, missing, memory_);
  }
  if (measured) verify_whole_context(held_.holder(), trial, request_, model_, observer_);
  conclude(trial, measured);
  return true;
}

Outcome<void> TrialRunner::take_turns(const Trial& last, const Trial& other, tune::InTurn& judge,
                                      Site* other_site) {
  if (!held_.holds(last.config) || !held_.is_sound()) {
    return tl::unexpected(failed(FailureClass::crashed, Phase::start, "the winner is not loaded"));
  }
  Site& site = other_site == nullptr ? site_ : *other_site;
  TakingTurns turns(site, model_, request_, observer_);
  auto taken = turns.load(other, memory_.on_host(other.memory));
  if (taken) taken = turns.take(held_.holder(), judge);
  const bool ended = turns.end();
  held_.note_stuck(!ended);
  // Where one of the two failed nobody knows what became of the other.
  if (!taken && !held_.is_sound()) release(nullptr);
  return taken;
}

void TrialRunner::release(Trial* last) {
  if (held_.release() || last == nullptr) return;
  last->notes.emplace_back("the worker could not be ended: the device needs attention");
}

std::optional<Failure> TrialRunner::why_not_run(const TrialAsk& ask) const {
  const Forecast* const forecast = ask.forecast;
  if (forecast != nullptr && forecast->missing_bytes.value_or(0) > 0 && !request_.try_anyway) {
    return failed(FailureClass::does_not_fit, Phase::plan,
                  forecast->sentence + "; --try-anyway loads it all the same");
  }
  if (ask.not_tried) return ask.not_tried;
  if (stuck() && !uses_no_device(ask.config.placement)) {
    return failed(FailureClass::device_lost, Phase::start,
                  "not tried: an earlier worker could not be ended and still holds the device");
  }
  return std::nullopt;
}

// What is known only after the work.
void TrialRunner::conclude(Trial& trial, const Outcome<void>& measured) {
  if (!measured) trial.failure = measured.error();
  memory_.note_peaks_now();
  memory_.settle(trial);
  check_file_is_the_same(trial);
  // After a refusal the worker is as good as new; after anything else nobody knows.
  const bool sound =
      measured.has_value() || measured.error().failure_class == FailureClass::config_rejected;
  if (!sound || !held_.is_sound()) release(&trial);
}

Trial TrialRunner::blank_trial(const TrialAsk& ask) const {
  Trial trial;
  trial.requested_layers = ask.requested_layers;
  trial.layers = ask.layers;
  trial.config = ask.config;
  trial.workload = request_.workload;
  trial.started_at = utc_now();
  trial.extent = ask.extent;
  trial.title = ask.title;
  trial.reason = ask.reason;
  const Absence nothing{"nothing was loaded"};
  trial.driver_rise_bytes = trial.used_by_others_bytes = trial.vram_used_bytes = nothing;
  trial.vram_percent = trial.load_seconds = nothing;
  trial.telemetry = absent_telemetry({"nothing was measured"});
  trial.full_depth_note = "the trial ended before";
  return trial;
}

// The trial's placement: the one that is held, or a new one.
Outcome<void> TrialRunner::load(Trial& trial) {
  if (held_.stands()) {
    trial.load_seconds = Absence{"its weights were loaded for an earlier trial"};
    return {};
  }
  memory_.wait_for_release(trial);
  memory_.look_before();
  if (auto started = held_.start(trial.config.placement); !started) return started;
  memory_.look_before(held_.holder().devices());
  report(observer_, Phase::load, 0);
  const auto loaded = held_.load([this](const protocol::Progress& progress) {
    report(observer_, progress.phase, progress.fraction);
  });
  if (!loaded) return tl::unexpected(loaded.error());
  trial.load_seconds = loaded->seconds;
  return {};
}

Outcome<void> TrialRunner::make_context(Trial& trial, bool loads) {
  report(observer_, Phase::context, -1);
  memory_.forget_peaks();
  const auto context = held_.make_context(trial.config.context);
  if (!context) return tl::unexpected(context.error());
  trial.effective = context->effective;
  const Reading<int>& offloaded = context->effective.n_gpu_layers;
  if (offloaded && *offloaded != trial.layers) {
    trial.notes.push_back(
        fmt::format("llama.cpp offloaded {} layers, not {}", *offloaded, trial.layers));
  }
  if (loads) trial.load_seconds = context->seconds;
  trial.memory = context->memory;
  if (trial.memory.empty() && !context->memory_note.empty()) {
    trial.notes.push_back("memory: " + context->memory_note);
  }
  return {};
}

Outcome<void> TrialRunner::measure(Trial& trial, double rival_ms) {
  const bool loads = !held_.holder().abilities().keeps_weights && !held_.holds(trial.config);
  if (auto checked = output_.check_divergence(held_, trial); !checked) return checked;
  if (auto made = make_context(trial, loads); !made) return made;
  if (auto checked = output_.check_divergence_in_its_own(held_, trial); !checked) return checked;
  if (auto checked = output_.check_logits(held_, trial); !checked) return checked;
  const bool generation = trial.workload.generates();
  const bool prompt =
      trial.workload.n_prompt > 0 && (!generation || trial.extent != Extent::generation_only);
  const WantedSpeeds wanted{generation, prompt, rival_ms};
  if (auto measured = speeds_.measure(held_.holder(), trial, wanted, memory_); !measured) {
    return measured;
  }
  if (trial.extent == Extent::full) {
    verify_whole_context(held_.holder(), trial, request_, model_, observer_);
  } else {
    trial.full_depth_note = "only its speed was measured";
  }
  return {};
}

// A model that is replaced while it is measured gives numbers that belong to neither file (R25).
void TrialRunner::check_file_is_the_same(Trial& trial) const {
  for (const FileStamp& stamp : model_.files) {
    struct stat now {};
    const bool there = stat(stamp.path.c_str(), &now) == 0;
    const std::int64_t mtime_ns = now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec;
    if (there && static_cast<std::uint64_t>(now.st_size) == stamp.size_bytes &&
        mtime_ns == stamp.mtime_ns && now.st_ino == stamp.inode) {
      continue;
    }
    trial.failure = failed(FailureClass::model_invalid, Phase::load,
                           "the model file changed while it was measured: " + stamp.path);
    return;
  }
}

}  // namespace sweetspot::profiler
