#include "pretended_site.hpp"

#include <algorithm>
#include <utility>

#include "core/offload_targets.hpp"
#include "devices/inventory.hpp"
#include "machine/answers.hpp"
#include "pretended_holder.hpp"

namespace sweetspot::simulation {
namespace {

constexpr int kMostMeasurements = 600;

}  // namespace

Outcome<std::unique_ptr<engine::Holder>> PretendedSite::start(const Placement& /*placement*/) {
  return std::make_unique<PretendedHolder>(machine_, session_.beside(), driver_);
}

Result<std::vector<PlannedMemory>> PretendedSite::ask_maps(const std::vector<Config>& configs) {
  std::vector<PlannedMemory> maps;
  maps.reserve(configs.size());
  for (const Config& config : configs) maps.push_back(fake::planned_memory(machine_, config));
  return maps;
}

Reading<std::uint64_t> PretendedSite::host_available_bytes() {
  const std::uint64_t free = *machine_.devices().back().memory_free_bytes;
  Held held = driver_.held_beside(nullptr);
  if (machine_.parts().device.integrated) held.host += held.device;
  return free - std::min(free, held.host);
}

void PretendedSite::sleep_ms(double ms) {
  driver_.count();
  session_.wait(ms / 1e3);
  driver_.count();
}

void PretendedSite::begin_window() {
  ++measured_;
  driver_.begin_window();
}

bool PretendedSite::cancelled() { return measured_ > kMostMeasurements; }

profiler::Prepared prepare(const fake::Machine& machine, PretendedSite& site, const Rules& rules,
                           const Bands& bands, const Config& base) {
  profiler::Prepared prepared;
  profiler::Request& request = prepared.request;
  request.base = base;
  request.workload = rules.workload;
  request.precision = rules.precision;
  request.max_seconds = rules.max_seconds;
  request.bands = bands;
  request.slices = profiler::SlicePolicy::never;

  Run& run = prepared.run;
  const fake::Processor& cpu = machine.parts().processor;
  run.model = fake::info_of(machine.model());
  run.machine.physical_cores = run.machine.usable_threads = cpu.physical_cores;
  run.machine.logical_cores = run.machine.most_threads = cpu.logical_cores;
  run.machine.memory_available_bytes = site.host_available_bytes();
  run.base_config = base;
  run.workload = rules.workload;
  run.settings.precision = rules.precision;
  run.settings.max_seconds = rules.max_seconds;
  run.settings.bands = bands;
  run.checkpoint_bytes = std::uint64_t{0};  // no pretended server keeps any
  prepared.baseline = site.look();
  run.devices = devices::join(site.devices(), prepared.baseline.devices);
  prepared.targets = targets_of(run.devices, {});
  return prepared;
}

Effort effort_of(std::size_t trials, const fake::Session& session) {
  const fake::SessionState& state = session.state();
  return {static_cast<int>(trials), static_cast<int>(state.loads), state.seconds};
}

}  // namespace sweetspot::simulation
