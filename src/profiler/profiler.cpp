#include "profiler/profiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/machine.hpp"
#include "devices/sampler.hpp"
#include "engine/oracle.hpp"
#include "profiler/forecast.hpp"
#include "profiler/setup.hpp"
#include "profiler/trial_runner.hpp"
#include "profiles/analyse.hpp"
#include "profiles/derive.hpp"
#include "profiles/spill.hpp"
#include "search/sweep.hpp"
#include "store/run_file.hpp"
#include "sweetspot_version.hpp"

namespace sweetspot::profiler {
namespace {

constexpr std::chrono::milliseconds kFirstSampleDeadline{2000};

Status check_context(const Request& request, const ModelInfo& model) {
  const std::uint32_t n_ctx = request.base.context.n_ctx;
  const Workload& work = request.workload;
  if (auto trained = check_trained_context(n_ctx, model, request.allow_beyond_trained_context);
      !trained) {
    return trained;
  }
  const std::uint64_t needed = std::uint64_t{work.n_depth} + std::max(work.n_prompt, work.n_gen);
  if (needed > n_ctx) {
    return error(
        ErrorKind::usage,
        fmt::format("the workload needs {} tokens of context, --ctx-size gives {}", needed, n_ctx),
        "raise --ctx-size, or lower --n-prompt, --n-gen or --n-depth");
  }
  return {};
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

void mark_spills(std::vector<Trial>& trials) {
  for (const profiles::Spill& spill : profiles::find_spills(trials)) {
    Trial& trial = trials[spill.index];
    if (!trial.is(Disturbance::spilled)) trial.notes.push_back(spill.note);
    trial.mark(Disturbance::spilled);
  }
}

}  // namespace

struct Profiler::State {
  Request request;
  Run run;
  std::vector<DeviceReport> targets;
  std::unique_ptr<devices::Sampler> sampler;
  devices::Snapshot baseline;            ///< before any worker was started
  std::optional<engine::Oracle> oracle;  ///< until the first trial

  Forecasts ask_oracle(const search::Sweep& sweep);
  void keep(RunOutcome& outcome, const Observer& observer) const;
  void conclude(Run& current) const;
};

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
  state->baseline = state->sampler->fresh(kFirstSampleDeadline);
  auto oracle = engine::Oracle::open(asked.start, asked.model_path, /*header_only=*/false);
  if (!oracle) return tl::unexpected(oracle.error());
  const std::vector<Device>& devices = oracle->hello().devices;
  if (auto known = check_devices(asked.base.placement.devices, devices); !known) {
    return tl::unexpected(known.error());
  }
  const ModelInfo* const model = &oracle->model();
  if (asked.n_ctx_is_default) shorten_default_context(asked.base.context, *model);
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
  state->oracle.emplace(*std::move(oracle));
  return Profiler(std::move(state));
}

const ModelInfo& Profiler::model() const { return state_->run.model; }

int Profiler::offloadable_layers() const {
  return state_->targets.empty() ? 0 : state_->run.model.offloadable_layers();
}

const Run& Profiler::prepared() const { return state_->run; }

RunOutcome Profiler::run(const std::vector<int>& requested_layers, const std::string& mode,
                         const Observer& observer) {
  RunOutcome outcome;
  outcome.run = state_->run;
  Run& run = outcome.run;
  run.settings.mode = mode;
  run.started_at = utc_now();
  search::Sweep sweep(requested_layers, offloadable_layers());
  const Forecasts forecasts = state_->ask_oracle(sweep);
  if (!forecasts.notice.empty() && observer) observer(Notice{forecasts.notice});
  TrialRunner runner(state_->request, run.model, state_->targets, *state_->sampler,
                     state_->baseline, observer);
  const process::CancelToken* cancel = state_->request.start.cancel;
  const auto cancelled = [&] { return cancel != nullptr && cancel->cancelled(); };
  while (const auto point = sweep.ask()) {
    if (cancelled()) break;
    if (observer) {
      observer(TrialStarted{sweep.done(), sweep.points().size(), point->layers,
                            point->requested_layers});
    }
    const Forecast* const expected =
        forecasts.of_config.empty() ? nullptr : &forecasts.of_config[sweep.done()];
    run.results.push_back(runner.run(*point, expected));
    sweep.tell(run.results.back());
    state_->conclude(run);
    if (observer) observer(TrialFinished{&run.results.back()});
    state_->keep(outcome, observer);
  }
  outcome.interrupted = cancelled();
  outcome.device_stuck = runner.stuck();
  run.finished_at = utc_now();
  run.settings.complete = !outcome.interrupted;
  state_->conclude(run);
  state_->keep(outcome, observer);
  return outcome;
}

// The oracle's worker holds its devices: it must be gone before anything is measured.
Forecasts Profiler::State::ask_oracle(const search::Sweep& sweep) {
  if (!oracle) return {};
  std::vector<Config> configs;
  for (const search::SweepPoint& point : sweep.points()) {
    configs.push_back(request.base);
    configs.back().placement.n_gpu_layers = point.layers;
  }
  Forecasts forecasts = forecast(*oracle, configs, targets, request.vram_limit_bytes);
  oracle->end();
  oracle.reset();
  return forecasts;
}

void Profiler::State::conclude(Run& current) const {
  const int offloadable = targets.empty() ? 0 : current.model.offloadable_layers();
  mark_spills(current.results);
  current.analysis = profiles::analyse(current.results, current.settings.bands);
  current.profiles = profiles::derive(current.results, current.settings.bands, offloadable);
}

// A full disk is said once; measuring goes on in memory and each later trial tries again (R37).
void Profiler::State::keep(RunOutcome& outcome, const Observer& observer) const {
  if (request.output_path.empty()) return;
  const Status saved = store::save_run(request.output_path, outcome.run);
  if (saved) {
    outcome.save_error.reset();
    return;
  }
  const bool first = !outcome.save_error.has_value();
  outcome.save_error = saved.error();
  if (first && observer)
    observer(Notice{"the results are not on disk yet: " + saved.error().message});
}

}  // namespace sweetspot::profiler
