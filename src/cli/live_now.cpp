#include "cli/live_now.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "devices/inventory.hpp"
#include "devices/live.hpp"
#include "devices/machine.hpp"
#include "devices/pci.hpp"
#include "devices/sampler.hpp"
#include "devices/sources.hpp"
#include "engine/failure.hpp"
#include "engine/worker.hpp"
#include "profiles/make_set.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::chrono::milliseconds kFirstSampleDeadline{2000};

bool any_asleep(const std::vector<devices::PciDevice>& cards) {
  return std::any_of(cards.begin(), cards.end(),
                     [](const devices::PciDevice& card) { return card.suspended; });
}

}  // namespace

Result<LiveMachine> live_now(const Environment& environment, const ConnectionOptions& connection,
                             const ModelKey& model, bool may_wake) {
  // The drivers are asked first: a worker that only lists its devices already takes memory.
  devices::Sampler sampler(devices::system_sources(devices::source_options(may_wake)));
  sampler.start();
  const devices::Snapshot drivers = sampler.fresh(kFirstSampleDeadline);
  const Machine machine = devices::this_machine();
  const auto cards = devices::list_pci_gpus(devices::default_tree());
  LiveMachine live;
  if (!may_wake && any_asleep(cards)) {
    live = devices::live_machine(drivers.devices, cards, machine);
  } else {
    const Result<engine::StartOptions> start = start_options(environment, connection);
    if (!start) return tl::unexpected(start.error());
    Outcome<engine::Worker> worker = engine::Worker::start(*start);
    if (!worker) return tl::unexpected(engine::as_error(worker.error()));
    live = devices::live_machine(devices::join(worker->hello().devices, drivers.devices), machine);
    live.llama_cpp = profiles::llama_cpp_of(worker->hello().engine);
    worker->end();
  }
  live.rpc = connection.rpc;
  live.model = model;
  return live;
}

}  // namespace sweetspot::cli
