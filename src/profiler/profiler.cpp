#include "profiler/profiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "core/offload_targets.hpp"
#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/machine.hpp"
#include "devices/sampler.hpp"
#include "devices/slow_hardware.hpp"
#include "engine/oracle.hpp"
#include "kernel/processor_use.hpp"
#include "kernel/processors.hpp"
#include "profiler/config_asker.hpp"
#include "profiler/constants.hpp"
#include "profiler/disturbance.hpp"
#include "profiler/loop.hpp"
#include "profiler/real_site.hpp"
#include "profiler/setup.hpp"
#include "profiler/sweep_asker.hpp"
#include "profiler/tune_asker.hpp"
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
    return {kNoDeviceNotice};
  }
  const bool all_rpc = std::all_of(targets.begin(), targets.end(), [](const DeviceReport& target) {
    return target.device.backend == "RPC";
  });
  if (!all_rpc) return {};
  return {
      "The only accelerator is ggml's RPC device: speeds are those of the server and the way to "
      "it."};
}

}  // namespace

Profiler::Profiler(Prepared prepared, std::unique_ptr<Site> site)
    : prepared_(std::move(prepared)), site_(std::move(site)) {}
Profiler::~Profiler() = default;
Profiler::Profiler(Profiler&&) noexcept = default;
Profiler& Profiler::operator=(Profiler&&) noexcept = default;

void Profiler::rest() { site_->end_maps(); }

Result<Profiler> Profiler::open(Request request) {
  Prepared prepared;
  prepared.request = std::move(request);
  Request& asked = prepared.request;
  // The drivers are asked first: a worker that only lists its devices already takes memory.
  auto sampler = std::make_unique<devices::Sampler>(asked.sources);
  sampler->start();
  const std::optional<std::string> busy = busy_notice();
  prepared.baseline = sampler->fresh(kFirstSampleDeadline);
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
  if (auto reads = check_reads(asked.base.context, oracle->hello().abilities); !reads) {
    return tl::unexpected(reads.error());
  }
  asked.workload.n_parallel = asked.base.context.n_parallel;
  asked.workload = settled_workload(asked.workload, asked.base.context);
  if (auto possible = check_inputs(asked); !possible) return tl::unexpected(possible.error());
  if (auto fits = check_context(asked, *model); !fits) return tl::unexpected(fits.error());

  Run& run = prepared.run;
  run.tool_version = kVersion;
  run.engine = oracle->hello().engine;
  run.machine = devices::this_machine();
  run.devices = devices::join(devices, prepared.baseline.devices);
  run.model = *model;
  run.base_config = asked.base;
  run.workload = asked.workload;
  run.settings.precision = asked.precision;
  run.settings.max_seconds = asked.max_seconds;
  run.settings.vram_limit_bytes = asked.vram_limit_bytes;
  run.settings.bands = asked.bands;
  run.settings.rpc = asked.start.rpc;
  prepared.targets = targets_of(run.devices, asked.base.placement.devices);
  run.notices = notices_for(prepared.targets);
  if (busy) run.notices.push_back(*busy);
  for (const std::string& slow : devices::slow_hardware(kernel::default_tree(), prepared.targets,
                                                        prepared.baseline.abilities)) {
    run.notices.push_back(slow + ".");
  }
  if (prepared.targets.empty()) {
    for (const std::string& why : oracle->hello().backend_problems) {
      run.notices.push_back(why + ".");
    }
  }
  prepared.abilities = oracle->hello().abilities;
  if (oracle->speaks_for_another()) {
    run.notices.emplace_back(
        "What a configuration will take is foretold by sweetspot's own llama.cpp, because this "
        "engine cannot be asked; what it took is the engine's own figure.");
  }
  engine::StartOptions start = asked.start;
  return Profiler(
      std::move(prepared),
      std::make_unique<RealSite>(std::move(start), std::move(sampler), *std::move(oracle)));
}

RunOutcome Profiler::run(const std::vector<int>& requested_layers, const std::string& mode,
                         const Observer& observer) {
  Loop loop(prepared_, *site_, mode, observer);
  ListAsker asker(loop, requested_layers);
  loop.drive(asker);
  return loop.end();
}

RunOutcome Profiler::run_adaptively(const Observer& observer) {
  Loop loop(prepared_, *site_, "adaptive", observer);
  AdaptiveAsker asker(loop);
  loop.drive(asker);
  return loop.end();
}

RunOutcome Profiler::run_config(const Config& config, const std::string& mode,
                                const Observer& observer) {
  Loop loop(prepared_, *site_, mode, observer);
  ConfigAsker asker(loop, config);
  loop.drive(asker);
  return loop.end();
}

RunOutcome Profiler::tune(const TuneJob& job, const Observer& observer) {
  Loop loop(prepared_, *site_, "tune", observer);
  TuneAsker asker(loop, *site_, job);
  loop.drive(asker);
  loop.release_model();
  take_longest_contexts(loop);
  return loop.end();
}

}  // namespace sweetspot::profiler
