#include "profiler/real_site.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "core/no_device.hpp"
#include "kernel/memory.hpp"
#include "kernel/processor_use.hpp"
#include "kernel/processors.hpp"

namespace sweetspot::profiler {
namespace {

// For a look that is newer than the question.
constexpr std::chrono::milliseconds kFreshDeadline{500};

}  // namespace

RealSite::RealSite(engine::StartOptions start, std::unique_ptr<devices::Sampler> sampler,
                   engine::Oracle oracle)
    : start_(std::move(start)), sampler_(std::move(sampler)), oracle_(std::move(oracle)) {}

Outcome<std::unique_ptr<engine::Holder>> RealSite::start(const Placement& placement) {
  engine::StartOptions options = start_;
  if (uses_no_device(placement)) options.rpc.clear();
  Outcome<engine::Worker> worker = engine::Worker::start(options);
  if (!worker) return tl::unexpected(worker.error());
  return std::make_unique<engine::Worker>(*std::move(worker));
}

Result<std::vector<PlannedMemory>> RealSite::ask_maps(const std::vector<Config>& configs) {
  return oracle_.ask(configs);
}

void RealSite::end_maps() { oracle_.end(); }

Reading<std::uint64_t> RealSite::host_available_bytes() {
  return kernel::host_memory().available_bytes;
}

devices::Snapshot RealSite::look() { return sampler_->fresh(kFreshDeadline); }

void RealSite::begin_window() { sampler_->begin(); }

devices::Window RealSite::end_window() { return sampler_->end(); }

void RealSite::watch_processors(WatchWorld& world, int threads) {
  const kernel::Processors usable = kernel::usable_processors();
  world.threads = threads;
  world.most_threads = usable.most_threads();
  world.cpus = std::max(1, static_cast<int>(usable.allowed.size()));
  world.processors = [pid = static_cast<pid_t>(world.worker_pid), cpus = usable.allowed] {
    return kernel::look_at_processors(pid, cpus);
  };
}

double RealSite::now_ms() { return devices::steady_now_ms(); }

void RealSite::sleep_ms(double ms) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(ms));
}

bool RealSite::cancelled() { return start_.cancel != nullptr && start_.cancel->cancelled(); }

}  // namespace sweetspot::profiler
