#include "profiler/driver_share.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/memory_map.hpp"
#include "core/text.hpp"
#include "engine/failure.hpp"
#include "os/temporary_folder.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::profiler {
namespace {

constexpr int kRounds = 3;

// Wide enough that the kernels of a real model are loaded, small enough to be written in a moment.
protocol::SynthRequest small_model(const std::string& path) {
  protocol::SynthRequest request;
  request.out_path = path;
  request.blocks = 2;
  request.embd = 1024;
  request.ff = 2816;
  request.heads = 16;
  request.kv_heads = 4;
  request.vocab = 4096;
  return request;
}

Request small_request(const engine::StartOptions& start, const devices::SourceFactory& sources,
                      const DeviceReport& target, const std::string& model_path) {
  Request request;
  request.model_path = model_path;
  request.base.placement.devices = {target.device.id};
  request.base.context.n_ctx = 1024;
  request.n_ctx_is_default = false;
  request.workload = {.n_prompt = 512, .n_gen = 8, .n_depth = 0};
  request.max_seconds = 0.5;
  request.full_depth = FullDepthPolicy::never;
  request.try_anyway = true;
  request.start = start;
  request.sources = sources;
  return request;
}

Result<std::uint64_t> difference_of(const Request& request, const Observer& observer) {
  auto profiler = Profiler::open(request);
  if (!profiler) return tl::unexpected(profiler.error());
  const RunOutcome outcome = profiler->run({-1}, "custom", observer);
  if (outcome.interrupted) return error(ErrorKind::interrupted, "interrupted");
  const Trial& trial = outcome.run.results.front();
  if (trial.failure) {
    return error(ErrorKind::device,
                 "the driver's share was not measured: " + trial.failure->message);
  }
  if (trial.is(Disturbance::contended)) {
    return error(ErrorKind::device,
                 "the driver's share was not measured: others used the device meanwhile",
                 "close what else uses it and try again");
  }
  if (!trial.driver_rise_bytes) {
    return error(ErrorKind::device,
                 "the driver's share was not measured: " + trial.driver_rise_bytes.reason());
  }
  const std::uint64_t buffers = offloaded_bytes(trial.memory);
  return *trial.driver_rise_bytes - std::min(buffers, *trial.driver_rise_bytes);
}

}  // namespace

MeasuredShare share_conditions(const DeviceReport& target, const Engine& engine) {
  MeasuredShare share;
  share.device = target.device.description;
  if (target.device.pci_bus_id) share.device += " " + *target.device.pci_bus_id;
  share.backend = target.device.backend;
  if (target.status) {
    share.driver = fmt::format("{} {}", target.status->driver,
                               target.status->driver_version.value_or("of unknown version"));
  }
  share.engine = engine.llama_version + " " + engine.llama_build;
  return share;
}

bool can_measure_share(const DeviceReport& target) {
  return target.status && target.status->memory_used_bytes.has_value();
}

Result<MeasuredShare> measure_driver_share(const engine::StartOptions& start,
                                           const devices::SourceFactory& sources,
                                           const DeviceReport& target, const Engine& engine,
                                           const Observer& observer) {
  const os::TemporaryFolder folder;
  if (!folder.made()) {
    return error(ErrorKind::output, "no temporary folder can be made",
                 "set TMPDIR to one that can");
  }
  const std::string model_path = folder.path() + "/small.gguf";
  {
    Outcome<engine::Worker> worker = engine::Worker::start(start);
    if (!worker) return tl::unexpected(engine::as_error(worker.error()));
    const auto made = worker->synth(small_model(model_path));
    if (!made) return tl::unexpected(engine::as_error(made.error()));
  }
  MeasuredShare share = share_conditions(target, engine);
  share.low_bytes = std::numeric_limits<std::uint64_t>::max();
  const Request request = small_request(start, sources, target, model_path);
  for (int round = 0; round < kRounds; ++round) {
    const auto difference = difference_of(request, observer);
    if (!difference) return tl::unexpected(difference.error());
    share.low_bytes = std::min(share.low_bytes, *difference);
    share.high_bytes = std::max(share.high_bytes, *difference);
  }
  share.measured_at = utc_now();
  return share;
}

}  // namespace sweetspot::profiler
