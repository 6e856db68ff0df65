#include "devices/live.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "devices/inventory.hpp"
#include "devices/telemetry.hpp"

namespace sweetspot::devices {
namespace {

LiveMachine without_devices(const Machine& machine) {
  LiveMachine live;
  live.host_available_bytes = machine.memory_available_bytes;
  live.environment = machine.environment;
  if (machine.cpu != "unknown") live.cpu = machine.cpu;
  return live;
}

// Everything but memory.
void take_identity(LiveDevice& device, const DeviceStatus& status) {
  device.uuid = status.uuid;
  device.driver_version = status.driver_version;
  device.power_limit_w = status.power_limit_w;
  device.asleep = is_asleep(status);
}

LiveDevice from_report(const DeviceReport& report,
                       const Reading<std::uint64_t>& host_available_bytes) {
  LiveDevice device;
  device.id = report.device.id;
  device.description = report.device.description;
  device.pci_bus_id = report.device.pci_bus_id;
  if (report.status) take_identity(device, *report.status);
  const MemoryView memory = memory_of(report, host_available_bytes);
  device.memory_total_bytes = memory.total_bytes;
  device.memory_free_bytes = memory.free_bytes;
  device.shares_host_memory = uses_host_memory(report);
  return device;
}

Reading<std::string> normal(const Reading<std::string>& pci_bus_id) {
  if (!pci_bus_id) return pci_bus_id;
  if (auto id = normalise_pci_id(*pci_bus_id)) return *std::move(id);
  return pci_bus_id;
}

LiveDevice nobody_knows(const PciDevice& card) {
  const Absence absence{"not available for this device"};
  LiveDevice device;
  device.pci_bus_id = card.id;
  device.description = fmt::format("PCI device {:04x}:{:04x}", card.vendor, card.device);
  device.uuid = absence;
  device.driver_version = absence;
  device.memory_total_bytes = absence;
  device.memory_free_bytes = absence;
  device.power_limit_w = absence;
  device.asleep = card.suspended;
  return device;
}

void add_what_is_seen(LiveDevice& told, const LiveDevice& seen) {
  told.uuid = seen.uuid;
  told.driver_version = seen.driver_version;
  told.power_limit_w = seen.power_limit_w;
  told.shares_host_memory = told.shares_host_memory || seen.shares_host_memory;
  // A device that tells its free memory is awake.
  told.asleep = seen.asleep && !told.memory_free_bytes;
  if (!told.memory_total_bytes) told.memory_total_bytes = seen.memory_total_bytes;
  if (!told.memory_free_bytes) told.memory_free_bytes = seen.memory_free_bytes;
}

}  // namespace

LiveMachine with_devices_of_host(std::vector<LiveDevice> told, const LiveMachine& seen) {
  LiveMachine live = seen;
  live.devices = std::move(told);
  for (LiveDevice& device : live.devices) {
    device.pci_bus_id = normal(device.pci_bus_id);
    if (!device.pci_bus_id) continue;
    for (const LiveDevice& known : seen.devices) {
      if (known.pci_bus_id == device.pci_bus_id) add_what_is_seen(device, known);
    }
  }
  return live;
}

LiveDevice live_device(const DeviceStatus& status,
                       const Reading<std::uint64_t>& host_available_bytes) {
  DeviceReport report;
  report.device.type = DeviceType::gpu;
  report.device.description = status.name.value_or("");
  report.device.pci_bus_id = normal(status.pci_bus_id);
  // memory_of() asks ggml where the driver knows nothing; there is no ggml here.
  const Absence absence{status.memory_free_bytes ? "not read" : status.memory_free_bytes.reason()};
  report.device.memory_total_bytes = absence;
  report.device.memory_free_bytes = absence;
  report.status = status;
  return from_report(report, host_available_bytes);
}

LiveMachine live_machine(const std::vector<DeviceReport>& reports, const Machine& machine) {
  LiveMachine live = without_devices(machine);
  live.devices.reserve(reports.size());
  for (const DeviceReport& report : reports) {
    if (report.device.can_offload()) {
      live.devices.push_back(from_report(report, machine.memory_available_bytes));
    }
  }
  return live;
}

LiveMachine live_machine(const std::vector<DeviceStatus>& statuses,
                         const std::vector<PciDevice>& cards, const Machine& machine) {
  LiveMachine live = without_devices(machine);
  live.devices.reserve(statuses.size() + cards.size());
  for (const DeviceStatus& status : statuses) {
    live.devices.push_back(live_device(status, machine.memory_available_bytes));
  }
  for (const PciDevice& card : cards) {
    const bool known =
        std::any_of(live.devices.begin(), live.devices.end(), [&](const LiveDevice& device) {
          return device.pci_bus_id == Reading<std::string>(card.id);
        });
    if (!known) live.devices.push_back(nobody_knows(card));
  }
  return live;
}

}  // namespace sweetspot::devices
