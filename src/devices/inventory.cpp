#include "devices/inventory.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "devices/pci.hpp"
#include "devices/telemetry.hpp"

namespace sweetspot::devices {
namespace {

constexpr std::string_view kRpcBackend = "RPC";

// The address to compare by, or nothing where the device is not one of this machine's cards.
std::optional<std::string> address(const Device& device) {
  if (device.backend == kRpcBackend || !device.pci_bus_id) return std::nullopt;
  return normalise_pci_id(*device.pci_bus_id);
}

bool matches(const DeviceStatus& status, const std::string& id) {
  return status.pci_bus_id && normalise_pci_id(*status.pci_bus_id) == id;
}

Reading<DeviceStatus> status_of(const Device& device, const std::vector<DeviceStatus>& statuses) {
  if (device.type == DeviceType::cpu || device.type == DeviceType::accel) {
    return Absence{"no driver reports on this kind of device"};
  }
  if (device.backend == kRpcBackend) return Absence{"served over RPC: its driver is not here"};
  const auto id = address(device);
  if (!id) return Absence{"ggml gives no PCI address for it"};
  const auto found = std::find_if(statuses.begin(), statuses.end(),
                                  [&](const DeviceStatus& status) { return matches(status, *id); });
  if (found == statuses.end()) return Absence{"not available for this device"};
  return *found;
}

// One device and one card of that name: then it is that card, whatever lists the device without an
// address. Of two alike nobody can tell which is which.
std::vector<Device> with_addresses_by_name(std::vector<Device> devices,
                                           const std::vector<DeviceStatus>& statuses) {
  for (Device& device : devices) {
    if (device.pci_bus_id || device.backend == kRpcBackend || device.description.empty()) continue;
    const auto is_it = [&](const DeviceStatus& status) {
      return status.pci_bus_id && status.name && *status.name == device.description;
    };
    const auto twin = [&](const Device& other) {
      return other.description == device.description && other.backend == device.backend;
    };
    const auto card = std::find_if(statuses.begin(), statuses.end(), is_it);
    if (std::count_if(statuses.begin(), statuses.end(), is_it) == 1 &&
        std::count_if(devices.begin(), devices.end(), twin) == 1) {
      device.pci_bus_id = card->pci_bus_id;
    }
  }
  return devices;
}

bool plausible_total(const Reading<std::uint64_t>& total) { return total && *total > 0; }

MemoryView from_driver(const DeviceStatus& status) {
  return {status.memory_total_bytes, status.memory_used_bytes, status.memory_free_bytes,
          status.memory_source};
}

// ggml answers 0/0 where it failed, and free - used without an underflow check on Vulkan.
MemoryView from_ggml(const Device& device) {
  MemoryView view;
  const auto& total = device.memory_total_bytes;
  const auto& free = device.memory_free_bytes;
  if (!plausible_total(total)) {
    const Absence absence{total ? "ggml reports a total of 0 bytes" : total.reason()};
    view.total_bytes = absence;
    view.used_bytes = absence;
    view.free_bytes = absence;
    return view;
  }
  view.source = "ggml";
  view.total_bytes = total;
  view.free_bytes = free;
  if (free && *free > *total) view.free_bytes = Absence{"ggml reports more free than there is"};
  if (!view.free_bytes) {
    view.used_bytes = Absence{view.free_bytes.reason()};
    return view;
  }
  view.used_bytes = *total - *free;
  // Some backends answer free = total when they cannot see what others hold.
  if (*free == *total) view.source = "ggml, free = total";
  return view;
}

}  // namespace

bool uses_host_memory(const DeviceReport& report) {
  if (report.device.type == DeviceType::igpu) return true;
  return report.status && !report.status->memory_total_bytes &&
         report.status->memory_total_bytes.reason().starts_with(kUnifiedPrefix);
}

std::vector<DeviceReport> join(const std::vector<Device>& devices,
                               const std::vector<DeviceStatus>& statuses) {
  std::vector<DeviceReport> reports;
  reports.reserve(devices.size());
  for (Device& device : with_addresses_by_name(devices, statuses)) {
    Reading<DeviceStatus> status = status_of(device, statuses);
    reports.push_back({std::move(device), std::move(status)});
  }
  return reports;
}

std::vector<DeviceStatus> unclaimed(const std::vector<Device>& devices,
                                    const std::vector<DeviceStatus>& statuses) {
  std::vector<DeviceStatus> left;
  const std::vector<Device> addressed = with_addresses_by_name(devices, statuses);
  for (const DeviceStatus& status : statuses) {
    const bool claimed = std::any_of(addressed.begin(), addressed.end(), [&](const Device& device) {
      const auto id = address(device);
      return id && matches(status, *id);
    });
    if (!claimed) left.push_back(status);
  }
  return left;
}

MemoryView memory_of(const DeviceReport& report,
                     const Reading<std::uint64_t>& host_available_bytes) {
  const bool driver_knows = report.status && plausible_total(report.status->memory_total_bytes) &&
                            report.status->memory_free_bytes.has_value();
  MemoryView view = driver_knows ? from_driver(*report.status) : from_ggml(report.device);
  if (report.device.type == DeviceType::cpu && !view.free_bytes && host_available_bytes) {
    view.free_bytes = *host_available_bytes;
    view.source = "host";
    return view;
  }
  if (uses_host_memory(report) && view.free_bytes && host_available_bytes &&
      *view.free_bytes > *host_available_bytes) {
    view.free_bytes = *host_available_bytes;
    view.source += ", capped by host memory";
  }
  return view;
}

}  // namespace sweetspot::devices
