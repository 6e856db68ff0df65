#include "capi/eyes.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "devices/live.hpp"
#include "devices/machine.hpp"
#include "kernel/memory.hpp"

namespace sweetspot::capi {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Eyes::Eyes(const EyesOptions& options)
    : options_(options),
      tree_(kernel::default_tree()),
      cards_(devices::list_pci_gpus(tree_)),
      machine_(devices::read_machine({tree_, devices::process_environment()})) {
  if (!options_.telemetry) return;
  devices::SamplerOptions sampling;
  sampling.interval = options_.interval;
  sampler_ = std::make_unique<devices::Sampler>(
      devices::system_sources(devices::source_options(options_.wake)), sampling);
  sampler_->start();
}

Eyes::~Eyes() = default;

std::vector<devices::PciDevice> Eyes::cards() const {
  std::vector<devices::PciDevice> now = cards_;
  for (devices::PciDevice& card : now) {
    card.suspended = !options_.wake && devices::is_suspended(tree_, card.id);
  }
  return now;
}

// A call into a driver cannot be cut short, but the next driver need not be asked.
void Eyes::ask_drivers(Seen& seen) {
  const std::lock_guard lock(mutex_);
  const auto began = Clock::now();
  if (!sources_) sources_ = devices::system_sources(devices::source_options(options_.wake))();
  seen.notes = sources_->notes;
  for (const auto& source : sources_->list) {
    if (Clock::now() - began > options_.deadline) {
      seen.notes.push_back(
          fmt::format("{}: not asked, the drivers before it took longer than {} ms", source->name(),
                      options_.deadline.count()));
      continue;
    }
    std::vector<DeviceStatus> some = source->read();
    std::move(some.begin(), some.end(), std::back_inserter(seen.statuses));
  }
}

void Eyes::ask_sampler(Seen& seen) {
  devices::Snapshot snapshot = sampler_->latest();
  if (snapshot.at_ms == 0) snapshot = sampler_->fresh(options_.deadline);
  seen.statuses = std::move(snapshot.devices);
  seen.notes = std::move(snapshot.notes);
}

Seen Eyes::look() {
  Seen seen;
  if (sampler_) {
    ask_sampler(seen);
  } else {
    ask_drivers(seen);
  }
  Machine machine = machine_;
  machine.memory_available_bytes = kernel::host_memory(tree_).available_bytes;
  seen.live = devices::live_machine(seen.statuses, cards(), machine);
  return seen;
}

}  // namespace sweetspot::capi
