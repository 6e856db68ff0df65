#include "profiler/loop.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/text.hpp"
#include "plan/checkpoint.hpp"
#include "profiler/clock_doubt.hpp"
#include "profiles/analyse.hpp"
#include "profiles/derive.hpp"
#include "profiles/spill.hpp"
#include "store/run_file.hpp"

namespace sweetspot::profiler {
namespace {

void mark_spills(std::vector<Trial>& trials) {
  for (const profiles::Spill& spill : profiles::find_spills(trials)) {
    Trial& trial = trials[spill.index];
    if (!trial.is(Disturbance::spilled)) trial.notes.push_back(spill.note);
    trial.mark(Disturbance::spilled);
  }
}

}  // namespace

Loop::Loop(const Prepared& prepared, Site& site, const std::string& mode, const Observer& observer)
    : prepared_(prepared),
      site_(site),
      observer_(observer),
      runner_(prepared.request, prepared.run.model, prepared.targets, site, prepared.baseline,
              observer_) {
  outcome_.run = prepared.run;
  run().settings.mode = mode;
  run().started_at = utc_now();
}

Reading<std::uint64_t> Loop::ask_checkpoint() {
  const auto bytes = plan::checkpoint_bytes(
      prepared_.request.base,
      [this](const std::vector<Config>& configs) { return site_.ask_maps(configs); });
  return bytes ? *bytes : Reading<std::uint64_t>(Absence{bytes.error().message});
}

Forecasts Loop::ask_maps(const std::vector<Config>& configs) {
  Forecasts forecasts = profiler::forecast(
      [this](const std::vector<Config>& some) { return site_.ask_maps(some); }, configs,
      {prepared_.targets, prepared_.request.vram_limit_bytes, site_.host_available_bytes()});
  site_.end_maps();
  return forecasts;
}

Forecasts Loop::forecast(const std::vector<Config>& configs) {
  if (!run().checkpoint_bytes) run().checkpoint_bytes = ask_checkpoint();
  Forecasts forecasts = ask_maps(configs);
  if (!forecasts.notice.empty()) say(Notice{forecasts.notice});
  return forecasts;
}

void Loop::drive(Asker& asker) {
  std::optional<TrialAsk> ask = asker.ask();
  while (ask && !cancelled()) {
    if (completes(*ask) && runner_.complete(run().results.back())) {
      run().results.back().reason += "; " + ask->reason;
    } else {
      measure(*ask);
    }
    mark_spills(run().results);
    asker.tell(run().results.back(), run().results.size() - 1);
    asker.while_held(runner_, run());
    asker.record(run(), "");
    conclude();
    const std::optional<TrialAsk> next = asker.ask();
    if (!next || !completes(*next)) {
      finish_trial(next && !next->loads_anew && next->config.placement == ask->config.placement);
    }
    ask = next;
  }
  asker.record(run(), cancelled() ? "interrupted" : asker.why_ended());
}

bool Loop::completes(const TrialAsk& ask) const {
  if (!ask.completes || !has_results()) return false;
  const Trial& last = outcome_.run.results.back();
  return last.measured() && last.config == ask.config && last.extent != Extent::full;
}

void Loop::measure(const TrialAsk& ask) {
  say(TrialStarted{run().results.size(), ask.total, ask.layers, ask.requested_layers, ask.title,
                   ask.reason});
  run().results.push_back(runner_.run(ask));
  note_once(clock_doubt(run().results.back().telemetry), doubts_clocks_);
  note_once(runner_.slow_link(), doubts_link_);
}

// Of the machine, not of a trial: its figures differ, its kind does not.
void Loop::note_once(const std::optional<std::string>& doubt, bool& is_said) {
  if (!doubt || is_said) return;
  is_said = true;
  run().notices.push_back(*doubt);
}

void Loop::finish_trial(bool keep_model) {
  Trial& trial = run().results.back();
  if (!keep_model) runner_.release(&trial);
  say(TrialFinished{&trial});
  save();
}

void Loop::conclude() {
  mark_spills(run().results);
  const Bands& bands = run().settings.bands;
  const std::vector<Decision> decided =
      run().sweep ? run().sweep->decisions : std::vector<Decision>{};
  run().analysis = profiles::analyse(run().results, bands, decided);
  run().profiles = profiles::derive(run().results, bands, prepared_.offloadable(), decided);
}

void Loop::release_model() {
  if (!run().results.empty()) runner_.release(&run().results.back());
}

RunOutcome Loop::end() {
  release_model();
  outcome_.interrupted = cancelled();
  outcome_.device_stuck = runner_.stuck();
  run().finished_at = utc_now();
  run().settings.complete = !outcome_.interrupted;
  conclude();
  save();
  return std::move(outcome_);
}

// A full disk is said once; measuring goes on in memory and each later trial tries again (R37).
void Loop::save() {
  if (prepared_.request.output_path.empty()) return;
  const Status saved = store::save_run(prepared_.request.output_path, run());
  if (saved) {
    outcome_.save_error.reset();
    return;
  }
  const bool first = !outcome_.save_error.has_value();
  outcome_.save_error = saved.error();
  if (first) say(Notice{"the results are not on disk yet: " + saved.error().message});
}

}  // namespace sweetspot::profiler
