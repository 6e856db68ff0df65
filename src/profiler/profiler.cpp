#include "profiler/profiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "core/no_device.hpp"
#include "core/offload_targets.hpp"
#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/machine.hpp"
#include "devices/sampler.hpp"
#include "engine/oracle.hpp"
#include "kernel/processor_use.hpp"
#include "kernel/processors.hpp"
#include "profiler/constants.hpp"
#include "profiler/disturbance.hpp"
#include "profiler/run_loop.hpp"
#include "profiler/setup.hpp"
#include "profiler/slices.hpp"
#include "search/adaptive_sweep.hpp"
#include "search/sweep.hpp"
#include "sweetspot_version.hpp"

namespace sweetspot::profiler {
namespace {

Status check_context(const Request& request, const ModelInfo& model) {
  const ContextSettings& context = request.base.context;
  const Workload& work = request.workload;
  if (auto possible = check_sequences(context); !possible) return possible;
  if (auto trained = check_trained_context(context, model, request.allow_beyond_trained_context);
      !trained) {
    return trained;
  }
  const std::uint64_t longest = request.as_request ? std::uint64_t{work.n_prompt} + work.n_gen
                                                   : std::max(work.n_prompt, work.n_gen);
  const std::uint64_t needed = (work.n_depth + longest) * context.n_parallel;
  if (needed > context.n_ctx) return tl::unexpected(context_too_short(needed, context));
  return {};
}

// Of a context that only reads: an input begins at depth 0, and one is needed.
Status check_inputs(const Request& request) {
  if (!request.base.context.embeddings) return {};
  if (request.as_request) {
    return error(ErrorKind::usage, "tune looks for the fastest generation, and this only reads",
                 "measure it with sweetspot profile");
  }
  if (request.workload.n_depth > 0) {
    return error(ErrorKind::usage, "--n-depth has no meaning where nothing is kept in a cache",
                 "leave it out");
  }
  if (request.workload.n_prompt > 0) return {};
  return error(ErrorKind::usage, "--n-prompt 0 leaves nothing to measure: nothing is generated",
               "give the tokens of an input");
}

// How long the processors are looked at before anything of ours runs on them.
constexpr std::chrono::milliseconds kBusyLook{300};

// One line, where others leave too few processors.
std::optional<std::string> busy_notice() {
  const kernel::Processors usable = kernel::usable_processors();
  const auto before = kernel::look_at_processors(0, usable.allowed);
  std::this_thread::sleep_for(kBusyLook);
  const auto use = kernel::use_between(before, kernel::look_at_processors(0, usable.allowed));
  const auto cpus = static_cast<int>(usable.allowed.size());
  const Reading<double> taken = taken_percent(use, cpus, usable.threads());
  if (cpus == 0 || !taken || *taken < kForeignPercent) return std::nullopt;
  return fmt::format(
      "The processor is busy: other programs take {:.1f} of {} processor{}. What is measured "
      "beside them is too slow, and marked as contended.",
      *use.busy_share * cpus, cpus, cpus == 1 ? "" : "s");
}

// What a reader must know before the first number.
std::vector<std::string> notices_for(const std::vector<DeviceReport>& targets) {
  if (targets.empty()) {
    return {"There is no device here that llama.cpp can offload to: only the CPU is measured."};
  }
  const bool all_rpc = std::all_of(targets.begin(), targets.end(), [](const DeviceReport& target) {
    return target.device.backend == "RPC";
  });
  if (!all_rpc) return {};
  return {
      "The only accelerator is ggml's RPC device: speeds are those of the server and the way to "
      "it."};
}

std::vector<search::LayerCandidate> candidates(const Forecasts& forecasts,
                                               const std::vector<int>& layers) {
  std::vector<search::LayerCandidate> all;
  all.reserve(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    search::LayerCandidate& one = all.emplace_back();
    one.layers = layers[i];
    if (forecasts.of_config.empty()) continue;
    const Forecast& known = forecasts.of_config[i];
    one.vram_percent = known.vram_percent;
    one.vram_bytes = known.vram_bytes();
    one.why_not = known.why_not();
  }
  return all;
}

// The step asks for what the trial, whose worker is still loaded, left out.
bool is_completed_by(const Trial& trial, const search::SweepStep& step) {
  return trial.measured() && trial.layers == step.layers && trial.extent != Extent::full &&
         step.extent == Extent::full;
}

// What slices say becomes the prior of the sweep.
SliceRecord record_of(const SlicePrediction& prediction) {
  SliceRecord record;
  record.weight_share = prediction.weight_share;
  record.small_read_bytes = prediction.plan.small_read_bytes;
  record.cache_bytes = prediction.plan.cache_bytes;
  record.rounds = prediction.rounds;
  record.seconds = prediction.load_seconds + prediction.measure_seconds;
  const search::SliceCosts& costs = prediction.generation_costs;
  record.cpu_block_ms = costs.cpu_block_ms;
  record.device_block_ms = costs.device_block_ms;
  record.crossing_ms = costs.mixed_rest_ms - costs.device_rest_ms;
  record.notes = prediction.notes;
  return record;
}

}  // namespace

Profiler::Profiler(std::unique_ptr<State> state) : state_(std::move(state)) {}
Profiler::~Profiler() = default;
Profiler::Profiler(Profiler&&) noexcept = default;
Profiler& Profiler::operator=(Profiler&&) noexcept = default;

Result<Profiler> Profiler::open(Request request) {
  auto state = std::make_unique<State>();
  state->request = std::move(request);
  Request& asked = state->request;
  // The drivers are asked first: a worker that only lists its devices already takes memory.
  state->sampler = std::make_unique<devices::Sampler>(asked.sources);
  state->sampler->start();
  const std::optional<std::string> busy = busy_notice();
  state->baseline = state->sampler->fresh(kFirstSampleDeadline);
  auto oracle = engine::Oracle::open(asked.start, asked.model_path, /*header_only=*/false);
  if (!oracle) return tl::unexpected(oracle.error());
  const std::vector<Device>& devices = oracle->hello().devices;
  if (auto known = check_devices(asked.base.placement.devices, devices); !known) {
    return tl::unexpected(known.error());
  }
  const ModelInfo* const model = &oracle->model();
  if (auto timed = check_kind(*model); !timed) return tl::unexpected(timed.error());
  if (auto settled = settle(asked.base, *model, asked.n_ctx_is_default); !settled) {
    return tl::unexpected(settled.error());
  }
  settle_embeddings(asked.base.context, *model, asked.n_ctx_is_default);
  asked.workload.n_parallel = asked.base.context.n_parallel;
  asked.workload = settled_workload(asked.workload, asked.base.context);
  if (auto possible = check_inputs(asked); !possible) return tl::unexpected(possible.error());
  if (auto fits = check_context(asked, *model); !fits) return tl::unexpected(fits.error());

  Run& run = state->run;
  run.tool_version = kVersion;
  run.engine = oracle->hello().engine;
  run.machine = devices::this_machine();
  run.devices = devices::join(devices, state->baseline.devices);
  run.model = *model;
  run.base_config = asked.base;
  run.workload = asked.workload;
  run.settings.precision = asked.precision;
  run.settings.max_seconds = asked.max_seconds;
  run.settings.vram_limit_bytes = asked.vram_limit_bytes;
  run.settings.bands = asked.bands;
  run.settings.rpc = asked.start.rpc;
  state->targets = targets_of(run.devices, asked.base.placement.devices);
  run.notices = notices_for(state->targets);
  if (busy) run.notices.push_back(*busy);
  state->oracle.emplace(*std::move(oracle));
  return Profiler(std::move(state));
}

const ModelInfo& Profiler::model() const { return state_->run.model; }

int Profiler::offloadable_layers() const { return state_->offloadable(); }

const Run& Profiler::prepared() const { return state_->run; }

RunOutcome Profiler::run(const std::vector<int>& requested_layers, const std::string& mode,
                         const Observer& observer) {
  search::Sweep sweep(requested_layers, offloadable_layers());
  std::vector<Config> configs;
  configs.reserve(sweep.points().size());
  for (const search::SweepPoint& point : sweep.points()) {
    configs.push_back(point.cpu_alone ? state_->on_cpu_alone() : state_->with_layers(point.layers));
  }
  Loop loop(*state_, mode, observer);
  const Forecasts forecasts = loop.forecast(configs);
  while (const auto point = sweep.ask()) {
    if (state_->cancelled()) break;
    TrialAsk ask{configs[sweep.at()], point->layers, point->requested_layers};
    ask.not_tried = point->not_tried;
    ask.reason = point->reason;
    if (point->cpu_alone) ask.title = kCpuAloneTitle;
    const std::size_t total = std::max(sweep.points().size(), loop.run().results.size() + 1);
    sweep.tell(loop.measure(ask, forecast_at(forecasts, sweep.at()), total));
    loop.finish_trial(/*keep_worker=*/false);
  }
  return loop.end();
}

RunOutcome Profiler::run_adaptively(const Observer& observer) {
  std::vector<int> layers(static_cast<std::size_t>(offloadable_layers()) + 1);
  std::iota(layers.begin(), layers.end(), 0);
  std::vector<Config> configs;
  configs.reserve(layers.size());
  // For the curve 0 layers are the CPU alone; beside a device they are a row of their own, the
  // last.
  configs.push_back(state_->on_cpu_alone());
  for (int count = 1; count <= offloadable_layers(); ++count) {
    configs.push_back(state_->with_layers(count));
  }
  configs.push_back(state_->with_layers(0));
  Loop loop(*state_, "adaptive", observer);
  const Forecasts forecasts = loop.forecast(configs);
  search::SweepRules rules;
  rules.bands = state_->request.bands;
  std::vector<search::LayerCandidate> known = candidates(forecasts, layers);
  const std::optional<SliceRecord> slices = state_->measure_slices(known, loop);
  search::AdaptiveSweep sweep(std::move(known), state_->run.model, rules);
  const auto record = [&](const std::string& ended) {
    loop.run().sweep = sweep.record();
    loop.run().sweep->slices = slices;
    loop.run().sweep->ended = ended;
  };
  std::optional<search::SweepStep> step = sweep.ask();
  const bool only_slices = state_->request.slices == SlicePolicy::only;
  if (only_slices) step.reset();
  while (step && !state_->cancelled()) {
    const auto at = static_cast<std::size_t>(step->layers);
    const Run& run = loop.run();
    const bool completes = !run.results.empty() && is_completed_by(run.results.back(), *step);
    if (!completes || !loop.complete(step->reason)) {
      TrialAsk ask{configs[at],  step->layers,   {step->layers},
                   step->extent, step->rival_ms, step->reason};
      if (step->layers == 0) ask.title = kCpuAloneTitle;
      loop.measure(ask, forecast_at(forecasts, at), 0);
    }
    state_->conclude(loop.run());
    sweep.tell(*step, loop.run().results.back());
    record("");
    const auto next = sweep.ask();
    if (!next || !is_completed_by(loop.run().results.back(), *next)) {
      loop.finish_trial(/*keep_worker=*/next && next->layers == step->layers);
      if (loop.run().results.size() == 1) {
        loop.measure_beside_device(configs.back(), forecast_at(forecasts, configs.size() - 1));
      }
    }
    step = next;
  }
  record(state_->cancelled() ? "interrupted"
         : only_slices       ? "only slices were asked for"
                             : "everything is settled");
  return loop.end();
}

std::optional<SliceRecord> Profiler::State::measure_slices(
    std::vector<search::LayerCandidate>& candidates, const Loop& loop) {
  const SlicePolicy policy = request.slices;
  // Slices predict generation.
  if (!request.workload.generates()) return std::nullopt;
  const bool wanted = policy == SlicePolicy::automatic ? run.model.size_bytes >= kSlicesFromBytes
                                                       : policy != SlicePolicy::never;
  if (!wanted || cancelled()) return std::nullopt;
  SliceJob job;
  job.model = run.model;
  job.base = request.base;
  job.workload = request.workload;
  job.workload.n_prompt = 0;  // the sweep decides by generation
  job.start = request.start;
  job.has_device = !targets.empty();
  job.max_seconds = 2 * request.max_seconds;
  job.cache_bytes = devices::last_level_cache_bytes();
  job.on_progress = [&loop](double fraction, const std::string& step) {
    loop.say(Preparing{"slices: " + step, fraction});
  };
  loop.say(Preparing{"slices of the model", 0});
  const Reading<SlicePrediction> prediction = predict_by_slices(job);
  if (!prediction) {
    loop.say(Notice{"slices of the model say nothing: " + prediction.reason()});
    return std::nullopt;
  }
  for (search::LayerCandidate& candidate : candidates) {
    const auto at = static_cast<std::size_t>(candidate.layers);
    if (at < prediction->generation_ms_by_layers.size()) {
      candidate.slice_ms = prediction->generation_ms_by_layers[at];
    }
  }
  return record_of(*prediction);
}

}  // namespace sweetspot::profiler
