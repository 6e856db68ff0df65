// Profiler::tune: the same loop, asked by the tuner instead of the sweep.
#include <algorithm>
#include <chrono>
#include <utility>

#include "profiler/profiler.hpp"
#include "profiler/run_loop.hpp"
#include "search/tune_space.hpp"
#include "search/tuner.hpp"

namespace sweetspot::profiler {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Two finalists twice: what a tune needs at its end, in trials.
constexpr double kTrialsAtEnd = 4;

std::vector<Config> configs_of(const Config& base, const ModelInfo& model, bool has_device) {
  std::vector<Config> configs;
  const auto placements = search::placements_of(base.placement, model, has_device);
  for (const ContextSettings& context : search::memory_variants(base.context, has_device)) {
    for (const Placement& placement : placements) configs.push_back({placement, context});
  }
  return configs;
}

std::vector<search::TuneOption> options_of(const std::vector<Config>& configs,
                                           const Forecasts& forecasts) {
  std::vector<search::TuneOption> options;
  options.reserve(configs.size());
  for (std::size_t i = 0; i < configs.size(); ++i) {
    search::TuneOption& option = options.emplace_back();
    option.config = configs[i];
    const Forecast* known = forecast_at(forecasts, i);
    if (known == nullptr) continue;
    option.vram_percent = known->vram_percent;
    option.left_bytes = known->left_bytes;
    if (known->missing_bytes.value_or(0) > 0) option.why_not = known->sentence;
    if (known->memory) {
      option.vram_bytes = offloaded_bytes(*known->memory);
    } else {
      option.why_not = known->memory.reason();
    }
  }
  return options;
}

}  // namespace

RunOutcome Profiler::tune(const TuneJob& job, const Observer& observer) {
  const Clock::time_point start = Clock::now();
  const Request& request = state_->request;
  const bool has_device = offloadable_layers() > 0;
  const std::vector<Config> configs = configs_of(request.base, model(), has_device);
  Loop loop(*state_, "tune", observer);
  const Forecasts forecasts = state_->ask_oracle(configs);
  if (!forecasts.notice.empty()) loop.say(Notice{forecasts.notice});

  search::TuneRules rules;
  rules.objective = job.objective;
  rules.constraints = job.constraints;
  rules.workload = request.workload;
  rules.knobs.physical_cores = state_->run.machine.physical_cores;
  rules.knobs.logical_cores = state_->run.machine.logical_cores;
  rules.knobs.allow_kv_quant = job.allow_kv_quant;
  rules.knobs.fixed = job.fixed_knobs;
  search::Tuner tuner(options_of(configs, forecasts), model(), rules);

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
  return loop.end();
}

}  // namespace sweetspot::profiler
