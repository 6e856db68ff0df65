#include "profiler/tune_asker.hpp"

#include <algorithm>
#include <utility>

#include "core/no_device.hpp"
#include "devices/inventory.hpp"
#include "ground/bytes.hpp"
#include "plan/make_plan.hpp"
#include "tune/space.hpp"

namespace sweetspot::profiler {
namespace {

// Two finalists twice: what a tune needs at its end, in trials.
constexpr double kTrialsAtEnd = 4;

// Turns of two that are loaded at once take as long at most as so many trials may measure: those of
// two rounds more.
constexpr double kTurnsShare = 4;

// A model larger than one part of so many of the free host memory stays a mapped file.
constexpr std::uint64_t kPartOfHost = 2;

std::vector<Config> configs_of(const Config& base, const ModelInfo& model, bool has_device,
                               std::uint32_t n_prompt) {
  std::vector<Config> configs;
  const auto placements = tune::placements_of(base.placement, model, has_device);
  for (const ContextSettings& context : tune::memory_variants(base.context, has_device, n_prompt)) {
    for (const Placement& placement : placements) configs.push_back({placement, context});
  }
  return configs;
}

std::vector<tune::Option> options_of(const std::vector<Config>& configs,
                                     const Forecasts& forecasts) {
  std::vector<tune::Option> options;
  options.reserve(configs.size());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    tune::Option& option = options.emplace_back();
    option.config = configs[i];
    const Forecast* known = forecast_at(forecasts, i);
    if (known == nullptr) continue;
    option.vram_percent = known->vram_percent;
    option.left_bytes = known->left_bytes;
    option.vram_bytes = known->vram_bytes();
    option.why_not = known->why_not();
  }
  return options;
}

/// A trial's part of a list of configs: its own first, then ascending contexts.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

void append_longer_contexts(const Config& config, const ModelInfo& model,
                            std::vector<Config>& configs) {
  configs.push_back(config);
  for (const std::uint32_t n_ctx :
       plan::usual_contexts(static_cast<std::uint32_t>(model.n_ctx_train), 0)) {
    if (n_ctx <= config.context.n_ctx) continue;
    configs.push_back(config);
    configs.back().context.n_ctx = n_ctx;
  }
}

// The longest of the usual contexts that `trial` would keep to the limit with. What the device took
// beyond llama.cpp's buffers it will take again.
Reading<std::uint32_t> largest_ctx(const Trial& trial, const std::vector<Config>& configs,
                                   const Forecasts& forecasts, const Range& range,
                                   double max_percent) {
  if (!forecasts.notice.empty()) return Absence{forecasts.notice};
  Reading<std::uint32_t> largest = Absence{"nobody can tell how much memory there is"};
  double beyond = 0;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    const Forecast& known = forecasts.of_config[i];
    const std::uint32_t n_ctx = configs[i].context.n_ctx;
    const bool own = i == range.begin;
    if (own && trial.vram_percent && known.vram_percent) {
      beyond = std::max(0.0, *trial.vram_percent - *known.vram_percent);
    }
    if (!known.memory || known.missing_bytes.value_or(0) > 0) break;
    const bool fits = known.vram_percent && *known.vram_percent + beyond <= max_percent;
    // What was measured keeps to the limit, whatever was predicted.
    if (!own && !uses_no_device(trial.config.placement) && !fits) break;
    largest = n_ctx;
  }
  return largest;
}

}  // namespace

tune::Rules rules_of(const Prepared& prepared, const TuneJob& job,
                     std::uint64_t host_reserve_bytes) {
  const Machine& machine = prepared.run.machine;
  const Reading<std::uint64_t>& host_free = machine.memory_available_bytes;
  tune::Rules rules;
  rules.objective = job.objective;
  rules.constraints = job.constraints;
  rules.workload = prepared.request.workload;
  rules.knobs.physical_cores = machine.usable_threads;
  rules.knobs.logical_cores = machine.most_threads;
  rules.knobs.allow_kv_quant = job.allow_kv_quant;
  rules.knobs.fixed = job.fixed_knobs;
  rules.may_read_all = host_free && prepared.run.model.size_bytes <= *host_free / kPartOfHost;
  rules.context_costs_a_load = !prepared.abilities.keeps_weights;
  rules.several_devices = prepared.targets.size() > 1;
  if (host_free) {
    rules.host_free_bytes = minus(*host_free, host_reserve_bytes);
  }
  for (const DeviceReport& target : prepared.targets) {
    const bool is_remote = target.device.backend == "RPC";
    rules.devices_serve_one = rules.devices_serve_one || is_remote;
    // A server may lie on this machine.
    rules.devices_use_host_memory =
        rules.devices_use_host_memory || is_remote || devices::uses_host_memory(target);
  }
  return rules;
}

TrialAsk ask_of(const tune::Step& step) {
  TrialAsk ask;
  ask.config = step.config;
  ask.extent = step.extent;
  ask.reason = step.reason;
  ask.title = step.title;
  ask.loads_anew = step.loads_anew;
  ask.completes = step.completes;
  return ask;
}

TuneAsker::TuneAsker(Loop& loop, Site& site, const TuneJob& job)
    : loop_(loop), prepared_(loop.prepared()), site_(site), job_(job), start_ms_(site.now_ms()) {
  const Request& request = prepared_.request;
  configs_ = configs_of(request.base, prepared_.run.model, prepared_.offloadable() > 0,
                        request.workload.n_prompt);
  forecasts_ = loop.forecast(configs_);
  tuner_.emplace(options_of(configs_, forecasts_), prepared_.run.model,
                 rules_of(prepared_, job, site.host_reserve_bytes()));
}

double TuneAsker::seconds_since(double start_ms) const { return (site_.now_ms() - start_ms) / 1e3; }

std::optional<TrialAsk> TuneAsker::ask() {
  const double left = job_.max_seconds - seconds_since(start_ms_);
  const bool hurry = left < kTrialsAtEnd * longest_trial_seconds_;
  if (left <= 0 && !tuner_->record().rounds.empty()) {
    ended_ = "the time allowed is used up";
    return std::nullopt;
  }
  const auto step = tuner_->ask(hurry);
  if (!step) {
    if (hurry) ended_ = "the time allowed is nearly used up";
    return std::nullopt;
  }
  trial_start_ms_ = site_.now_ms();
  TrialAsk ask = ask_of(*step);
  ask.layers = effective_layers(step->config.placement.n_gpu_layers, prepared_.offloadable());
  ask.requested_layers = {step->config.placement.n_gpu_layers};
  in_turn_with_ = step->in_turn_with;
  const auto known = std::find(configs_.begin(), configs_.end(), step->config);
  if (known != configs_.end()) {
    ask.forecast = forecast_at(forecasts_, static_cast<std::size_t>(known - configs_.begin()));
  }
  return ask;
}

void TuneAsker::tell(const Trial& trial, std::size_t index) {
  tuner_->tell(trial, index);
  tell_spills();
  longest_trial_seconds_ = std::max(longest_trial_seconds_, seconds_since(trial_start_ms_));
}

// What a trial is called may change with those after it.
void TuneAsker::tell_spills() {
  const std::vector<Trial>& results = loop_.results();
  known_spilled_.resize(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const bool spilled = results[i].is(Disturbance::spilled);
    const bool is_news = spilled && !known_spilled_[i] && i + 1 < results.size();
    if (is_news) tuner_->know_spilled(results[i].config);
    known_spilled_[i] = spilled;
  }
}

void TuneAsker::while_held(TrialRunner& runner, const Run& run) {
  if (!in_turn_with_ || !tuner_->awaits_turns()) return;
  const auto other = std::find_if(
      run.results.rbegin(), run.results.rend(),
      [&](const Trial& trial) { return trial.config == *in_turn_with_ && trial.measured(); });
  if (other == run.results.rend()) return tuner_->tell_turns(std::nullopt);
  const double left = std::max(0.0, job_.max_seconds - seconds_since(start_ms_));
  tune::InTurn judge = tuner_->judge(std::min(left, kTurnsShare * prepared_.request.max_seconds));
  const auto taken = runner.take_turns(run.results.back(), *other, judge);
  // Ctrl-C takes nothing from what was measured before it.
  if (!taken && taken.error().failure_class != FailureClass::cancelled) {
    loop_.say(
        Notice{"winner and defaults are loaded one after the other: " + taken.error().message});
    return tuner_->tell_turns(std::nullopt);
  }
  tuner_->tell_turns(judge.turns());
}

void TuneAsker::record(Run& run, const std::string& ended) const {
  run.tune = tuner_->record();
  run.tune->workload = job_.workload_name;
  run.tune->ended = ended;
}

void take_longest_contexts(Loop& loop) {
  Run& run = loop.run();
  if (!run.tune || run.tune->front.empty() || loop.cancelled()) return;
  // All in one question: each starts a worker.
  std::vector<Config> configs;
  std::vector<std::size_t> begins;
  begins.reserve(run.tune->front.size() + 1);
  for (const FrontPoint& point : run.tune->front) {
    begins.push_back(configs.size());
    append_longer_contexts(run.results[point.result].config, run.model, configs);
  }
  begins.push_back(configs.size());
  const Forecasts forecasts = loop.ask_maps(configs);
  for (std::size_t k = 0; k + 1 < begins.size(); ++k) {
    FrontPoint& point = run.tune->front[k];
    point.largest_ctx =
        largest_ctx(run.results[point.result], configs, forecasts, {begins[k], begins[k + 1]},
                    run.tune->constraints.max_vram_percent);
  }
}

}  // namespace sweetspot::profiler
