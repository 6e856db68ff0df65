// Profiler::tune: the same loop, asked by the tuner instead of the sweep.
#include <algorithm>
#include <chrono>
#include <utility>

#include "core/no_device.hpp"
#include "ground/clock.hpp"
#include "plan/make_plan.hpp"
#include "profiler/profiler.hpp"
#include "profiler/run_loop.hpp"
#include "tune/space.hpp"
#include "tune/tuner.hpp"

namespace sweetspot::profiler {
namespace {

using Clock = std::chrono::steady_clock;

// Two finalists twice: what a tune needs at its end, in trials.
constexpr double kTrialsAtEnd = 4;

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

void Profiler::State::measure_front(Run& current) {
  if (!current.tune || current.tune->front.empty() || cancelled()) return;
  // All in one question: each starts a worker.
  std::vector<Config> configs;
  std::vector<std::size_t> begins;
  begins.reserve(current.tune->front.size() + 1);
  for (const FrontPoint& point : current.tune->front) {
    begins.push_back(configs.size());
    append_longer_contexts(current.results[point.result].config, run.model, configs);
  }
  begins.push_back(configs.size());
  const Forecasts forecasts = ask_oracle(configs);
  for (std::size_t k = 0; k + 1 < begins.size(); ++k) {
    FrontPoint& point = current.tune->front[k];
    point.largest_ctx =
        largest_ctx(current.results[point.result], configs, forecasts, {begins[k], begins[k + 1]},
                    current.tune->constraints.max_vram_percent);
  }
}

RunOutcome Profiler::tune(const TuneJob& job, const Observer& observer) {
  const Clock::time_point start = Clock::now();
  const Request& request = state_->request;
  const bool has_device = offloadable_layers() > 0;
  const std::vector<Config> configs =
      configs_of(request.base, model(), has_device, request.workload.n_prompt);
  Loop loop(*state_, "tune", observer);
  const Forecasts forecasts = loop.forecast(configs);

  tune::Rules rules;
  rules.objective = job.objective;
  rules.constraints = job.constraints;
  rules.workload = request.workload;
  rules.knobs.physical_cores = state_->run.machine.usable_threads;
  rules.knobs.logical_cores = state_->run.machine.most_threads;
  rules.knobs.allow_kv_quant = job.allow_kv_quant;
  rules.knobs.fixed = job.fixed_knobs;
  const Reading<std::uint64_t>& host_free = state_->run.machine.memory_available_bytes;
  rules.may_read_all = host_free && model().size_bytes <= *host_free / kPartOfHost;
  rules.several_devices = state_->targets.size() > 1;
  tune::Tuner tuner(options_of(configs, forecasts), model(), rules);

  const double allowed = job.max_seconds;
  double longest_trial = 0;
  const auto record = [&](const std::string& ended) {
    loop.run().tune = tuner.record();
    loop.run().tune->workload = job.workload_name;
    loop.run().tune->ended = ended;
  };
  std::string ended = "everything is decided";
  while (true) {
    if (state_->cancelled()) {
      ended = "interrupted";
      break;
    }
    const double left = allowed - seconds_since(start);
    const bool hurry = left < kTrialsAtEnd * longest_trial;
    const bool compared = loop.run().tune && !loop.run().tune->rounds.empty();
    if (left <= 0 && compared) {
      ended = "the time allowed is used up";
      break;
    }
    const auto step = tuner.ask(hurry);
    if (!step) {
      if (hurry) ended = "the time allowed is nearly used up";
      break;
    }
    const Clock::time_point trial_start = Clock::now();
    TrialAsk ask;
    ask.config = step->config;
    ask.layers = effective_layers(step->config.placement.n_gpu_layers, offloadable_layers());
    ask.requested_layers = {step->config.placement.n_gpu_layers};
    ask.extent = step->extent;
    ask.reason = step->reason;
    ask.title = step->title;
    const auto known = std::find(configs.begin(), configs.end(), step->config);
    const Forecast* forecast =
        known == configs.end()
            ? nullptr
            : forecast_at(forecasts, static_cast<std::size_t>(known - configs.begin()));
    const Trial& trial = loop.measure(ask, forecast, 0);
    tuner.tell(trial, loop.run().results.size() - 1);
    record("");
    loop.finish_trial(/*keep_worker=*/true);
    longest_trial = std::max(longest_trial, seconds_since(trial_start));
  }
  record(ended);
  loop.release_worker();
  state_->measure_front(loop.run());
  return loop.end();
}

}  // namespace sweetspot::profiler
