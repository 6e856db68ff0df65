#include "core/offload_targets.hpp"

#include <algorithm>

namespace sweetspot {
namespace {

// Behind RPC an address is of the other machine.
bool is_card_here(const Device& device) {
  return device.can_offload() && device.backend != "RPC" && device.pci_bus_id.has_value();
}

}  // namespace

const Device* same_card_before(const std::vector<Device>& devices, std::size_t index) {
  const Device& device = devices[index];
  if (!is_card_here(device)) return nullptr;
  for (std::size_t i = 0; i < index; ++i) {
    if (is_card_here(devices[i]) && *devices[i].pci_bus_id == *device.pci_bus_id) {
      return &devices[i];
    }
  }
  return nullptr;
}

std::vector<std::string> offload_targets(const std::vector<Device>& devices,
                                         const std::vector<std::string>& named) {
  if (!named.empty()) return named;
  std::vector<std::string> cards;
  std::vector<std::string> integrated;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    if (device.type == DeviceType::gpu && same_card_before(devices, i) == nullptr) {
      cards.push_back(device.id);
    }
    if (device.type == DeviceType::igpu) integrated.push_back(device.id);
  }
  return cards.empty() ? integrated : cards;
}

std::vector<DeviceReport> targets_of(const std::vector<DeviceReport>& reports,
                                     const std::vector<std::string>& named) {
  std::vector<Device> devices;
  devices.reserve(reports.size());
  for (const DeviceReport& report : reports) devices.push_back(report.device);
  const std::vector<std::string> ids = offload_targets(devices, named);
  std::vector<DeviceReport> targets;
  for (const DeviceReport& report : reports) {
    if (std::find(ids.begin(), ids.end(), report.device.id) != ids.end()) targets.push_back(report);
  }
  return targets;
}

}  // namespace sweetspot
