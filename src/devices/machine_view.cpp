#include "devices/machine_view.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "devices/inventory.hpp"
#include "devices/live.hpp"
#include "devices/machine.hpp"
#include "devices/sources.hpp"
#include "kernel/memory.hpp"

namespace sweetspot::devices {
namespace {

Seen of_snapshot(Snapshot snapshot) {
  return {std::move(snapshot.devices), {}, {}, std::move(snapshot.notes)};
}

}  // namespace

LiveMachine live_machine(const Seen& seen) {
  return live_machine(seen.statuses, seen.cards, seen.machine);
}

LiveMachine live_machine(const Seen& seen, const std::vector<Device>& of_ggml) {
  return live_machine(join(of_ggml, seen.statuses), seen.machine);
}

MachineView::MachineView(const ViewOptions& options)
    : MachineView(options, system_sources(source_options(options.wake)), kernel::default_tree(),
                  process_environment()) {}

MachineView::MachineView(const ViewOptions& options, SourceFactory open, kernel::FileTree tree,
                         const std::vector<std::string>& environment)
    : options_(options),
      open_(std::move(open)),
      tree_(std::move(tree)),
      cards_(list_pci_gpus(tree_)),
      machine_(read_machine({tree_, environment})) {
  if (!options_.in_background) return;
  SamplerOptions sampling;
  sampling.interval = options_.interval;
  sampler_ = std::make_unique<Sampler>(open_, sampling);
  sampler_->start();
}

MachineView::~MachineView() = default;

// A call into a driver cannot be cut short, but the next driver need not be asked.
Seen MachineView::ask_drivers() {
  using Clock = std::chrono::steady_clock;
  const std::lock_guard lock(mutex_);
  const auto began = Clock::now();
  Seen seen;
  if (!sources_) sources_ = open_();
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
  return seen;
}

Seen MachineView::with_machine(Seen seen) const {
  seen.cards = cards_;
  for (PciDevice& card : seen.cards) {
    card.suspended = !options_.wake && is_suspended(tree_, card.id);
  }
  seen.machine = machine_;
  seen.machine.memory_available_bytes = kernel::host_memory(tree_).available_bytes;
  return seen;
}

Seen MachineView::look() {
  if (!sampler_) return with_machine(ask_drivers());
  Snapshot snapshot = sampler_->latest();
  if (snapshot.at_ms == 0) snapshot = sampler_->fresh(options_.deadline);
  return with_machine(of_snapshot(std::move(snapshot)));
}

Seen MachineView::look_afresh(std::chrono::milliseconds deadline) {
  if (!sampler_) return look();
  return with_machine(of_snapshot(sampler_->fresh(deadline)));
}

}  // namespace sweetspot::devices
