#include "launch/wanted.hpp"

#include <algorithm>

namespace sweetspot::launch {
namespace {

LiveDevice* find_device(LiveMachine& live, const ProfileSet& set, const std::string& id) {
  const auto remembered = std::find_if(set.devices.begin(), set.devices.end(),
                                       [&](const SetDevice& device) { return device.id == id; });
  for (LiveDevice& device : live.devices) {
    if (device.id == id) return &device;
    const bool same_card = remembered != set.devices.end() && device.pci_bus_id &&
                           device.pci_bus_id == remembered->pci_bus_id;
    if (same_card) return &device;
  }
  return nullptr;
}

bool all_known(LiveMachine& live, const ProfileSet& set, const std::vector<SavedProfile>& rungs) {
  for (const SavedProfile& rung : rungs) {
    if (!rung.needs) return false;
    for (const DeviceNeed& need : *rung.needs) {
      const LiveDevice* device = find_device(live, set, need.device);
      if (device == nullptr || !device->memory_free_bytes) return false;
    }
  }
  return true;
}

void give_back(LiveMachine& live, const ProfileSet& set, const SavedProfile& running) {
  for (const DeviceNeed& need : *running.needs) {
    LiveDevice& device = *find_device(live, set, need.device);
    const std::uint64_t free = *device.memory_free_bytes + need.bytes;
    device.memory_free_bytes = std::min(free, device.memory_total_bytes.value_or(free));
  }
  if (live.host_available_bytes && running.host_bytes) {
    live.host_available_bytes = *live.host_available_bytes + *running.host_bytes;
  }
}

}  // namespace

std::optional<std::size_t> wanted_rung(const ProfileSet& set,
                                       const std::vector<SavedProfile>& rungs, std::size_t running,
                                       const LiveMachine& live,
                                       const profiles::Requirements& wanted) {
  LiveMachine then = live;
  if (!all_known(then, set, rungs)) return std::nullopt;
  give_back(then, set, rungs[running]);
  const profiles::Choice choice = profiles::choose(set, then, wanted);
  if (!choice.usable || !choice.profile) return std::nullopt;
  const std::string& name = set.profiles[*choice.profile].name;
  const auto found = std::find_if(rungs.begin(), rungs.end(),
                                  [&](const SavedProfile& rung) { return rung.name == name; });
  if (found == rungs.end()) return std::nullopt;
  return static_cast<std::size_t>(found - rungs.begin());
}

}  // namespace sweetspot::launch
