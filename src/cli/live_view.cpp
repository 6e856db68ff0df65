#include "cli/live_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/connection.hpp"
#include "devices/inventory.hpp"
#include "devices/live.hpp"
#include "devices/machine.hpp"
#include "devices/pci.hpp"
#include "devices/sources.hpp"
#include "engine/failure.hpp"
#include "engine/worker.hpp"
#include "profiles/make_set.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::chrono::milliseconds kFirstLook{3000};
constexpr std::chrono::milliseconds kRefresh{500};

devices::SamplerOptions sampler_options(std::chrono::milliseconds interval) {
  devices::SamplerOptions options;
  options.interval = interval;
  return options;
}

std::vector<devices::PciDevice> cards() { return devices::list_pci_gpus(kernel::default_tree()); }

}  // namespace

LiveView::LiveView(const Environment& environment, const ConnectionOptions& connection,
                   bool may_wake, std::chrono::milliseconds interval)
    : rpc_(connection.rpc),
      sampler_(devices::system_sources(devices::source_options(may_wake)),
               sampler_options(interval)) {
  // The drivers are asked first: a worker that only lists its devices already takes memory.
  sampler_.start();
  first_ = sampler_.fresh(kFirstLook);
  const std::vector<devices::PciDevice> all = cards();
  const auto asleep = std::find_if(all.begin(), all.end(),
                                   [](const devices::PciDevice& card) { return card.suspended; });
  if (asleep == all.end() || may_wake) {
    if (const Status asked = ask_ggml(environment, connection); !asked) problem_ = asked.error();
    return;
  }
  notes_.push_back(
      fmt::format("llama.cpp was not asked for its devices: that would wake {}", asleep->id));
}

Status LiveView::ask_ggml(const Environment& environment, const ConnectionOptions& connection) {
  const Result<engine::StartOptions> start = start_options(environment, connection);
  if (!start) return tl::unexpected(start.error());
  Outcome<engine::Worker> worker = engine::Worker::start(*start);
  if (!worker) return tl::unexpected(engine::as_error(worker.error()));
  devices_ = worker->hello().devices;
  llama_cpp_ = profiles::llama_cpp_of(worker->hello().engine);
  worker->end();
  asked_ = true;
  return {};
}

LiveMachine LiveView::now() {
  const devices::Snapshot snapshot = looked_ ? sampler_.latest() : first_;
  const Machine machine = devices::this_machine();
  LiveMachine live;
  if (asked_) {
    std::vector<Device> known = devices_;
    for (Device& device : known) {
      if (!looked_ || !device.can_offload()) continue;
      device.memory_free_bytes = Absence{"ggml was asked before"};
    }
    live = devices::live_machine(devices::join(known, snapshot.devices), machine);
  } else {
    live = devices::live_machine(snapshot.devices, cards(), machine);
  }
  looked_ = true;
  live.llama_cpp = llama_cpp_;
  live.rpc = rpc_;
  return live;
}

void LiveView::refresh() { (void)sampler_.fresh(kRefresh); }

std::vector<DeviceStatus> LiveView::statuses() const { return sampler_.latest().devices; }

}  // namespace sweetspot::cli
