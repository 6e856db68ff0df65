#include "profiler/run_loop.hpp"

#include <algorithm>
#include <utility>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "plan/checkpoint.hpp"
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

Config Profiler::State::with_layers(int layers) const {
  Config config = request.base;
  config.placement.n_gpu_layers = layers;
  return config;
}

Config Profiler::State::on_cpu_alone() const {
  Config config = request.base;
  config.placement = cpu_alone(config.placement);
  return config;
}

Reading<std::uint64_t> Profiler::State::ask_checkpoint() {
  if (!oracle) return Absence{"llama.cpp could not be asked"};
  const auto bytes = plan::checkpoint_bytes(
      request.base, [this](const std::vector<Config>& configs) { return oracle->ask(configs); });
  return bytes ? *bytes : Reading<std::uint64_t>(Absence{bytes.error().message});
}

Forecasts Profiler::State::ask_oracle(const std::vector<Config>& configs) {
  if (!oracle) return {};
  Forecasts forecasts = forecast(*oracle, configs, targets, request.vram_limit_bytes);
  oracle->end();
  return forecasts;
}

void Profiler::State::conclude(Run& current) const {
  mark_spills(current.results);
  current.analysis = profiles::analyse(current.results, current.settings.bands);
  current.profiles = profiles::derive(current.results, current.settings.bands, offloadable());
}

Profiler::Loop::Loop(State& state, const std::string& mode, const Observer& observer)
    : state_(state),
      observer_(observer),
      runner_(state.request, state.run.model, state.targets, *state.sampler, state.baseline,
              observer_) {
  outcome_.run = state.run;
  outcome_.run.settings.mode = mode;
  outcome_.run.started_at = utc_now();
}

Forecasts Profiler::Loop::forecast(const std::vector<Config>& configs) {
  if (!run().checkpoint_bytes) run().checkpoint_bytes = state_.ask_checkpoint();
  Forecasts forecasts = state_.ask_oracle(configs);
  if (!forecasts.notice.empty()) say(Notice{forecasts.notice});
  return forecasts;
}

const Trial& Profiler::Loop::measure(const TrialAsk& ask, const Forecast* forecast,
                                     std::size_t total) {
  say(TrialStarted{run().results.size(), total, ask.layers, ask.requested_layers, ask.title,
                   ask.reason});
  run().results.push_back(runner_.run(ask, forecast));
  return run().results.back();
}

void Profiler::Loop::measure_beside_device(const Config& config, const Forecast* forecast) {
  const bool fits = forecast == nullptr || forecast->why_not().empty();
  if (state_.targets.empty() || run().workload.n_prompt == 0 || !fits || state_.cancelled()) return;
  TrialAsk ask{config, 0, {0}};
  ask.reason = "no layer lies on the device, but it reads prompts";
  measure(ask, forecast, 0);
  finish_trial(/*keep_worker=*/false);
}

bool Profiler::Loop::complete(const std::string& reason) {
  if (run().results.empty()) return false;
  Trial& trial = run().results.back();
  if (!runner_.complete(trial)) return false;
  trial.reason += "; " + reason;
  return true;
}

void Profiler::Loop::finish_trial(bool keep_worker) {
  Trial& trial = run().results.back();
  if (!keep_worker) runner_.release(&trial);
  state_.conclude(run());
  say(TrialFinished{&trial});
  save();
}

void Profiler::Loop::release_worker() {
  if (!run().results.empty()) runner_.release(&run().results.back());
}

RunOutcome Profiler::Loop::end() {
  release_worker();
  outcome_.interrupted = state_.cancelled();
  outcome_.device_stuck = runner_.stuck();
  run().finished_at = utc_now();
  run().settings.complete = !outcome_.interrupted;
  state_.conclude(run());
  save();
  return std::move(outcome_);
}

// A full disk is said once; measuring goes on in memory and each later trial tries again (R37).
void Profiler::Loop::save() {
  if (state_.request.output_path.empty()) return;
  const Status saved = store::save_run(state_.request.output_path, run());
  if (saved) {
    outcome_.save_error.reset();
    return;
  }
  const bool first = !outcome_.save_error.has_value();
  outcome_.save_error = saved.error();
  if (first) say(Notice{"the results are not on disk yet: " + saved.error().message});
}

}  // namespace sweetspot::profiler
