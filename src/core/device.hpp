// Devices as ggml names them, and what the driver says of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/ranges.hpp"
#include "core/reading.hpp"

namespace sweetspot {

/// ggml's device types (ggml-backend.h, enum ggml_backend_dev_type).
enum class DeviceType { cpu, gpu, igpu, accel };

constexpr EnumNames<DeviceType, 4> names_of(DeviceType /*of*/) {
  return {{
      {DeviceType::cpu, "cpu"},
      {DeviceType::gpu, "gpu"},
      {DeviceType::igpu, "igpu"},
      {DeviceType::accel, "accel"},
  }};
}

/// A device as ggml lists it. `id` is ggml's name (CUDA0, Vulkan0, RPC0, CPU).
struct Device {
  std::string id;
  std::string description;  ///< "NVIDIA GeForce RTX 4050 Laptop GPU"
  std::string backend;      ///< ggml's registry name: CUDA, Vulkan, RPC, CPU
  DeviceType type = DeviceType::cpu;
  Reading<std::string> pci_bus_id;  ///< lower case, "0000:c1:00.0"
  Reading<std::uint64_t> memory_total_bytes;
  Reading<std::uint64_t> memory_free_bytes;

  /// True where llama.cpp can offload layers to it.
  [[nodiscard]] bool can_offload() const {
    return type == DeviceType::gpu || type == DeviceType::igpu;
  }
};

// A device that misleads about its memory is kept: it may be useful, and its memory is taken to be
// unknown.
void fields(auto& f, Is<Device> auto& device) {
  constexpr const char* kMisleads = "ggml reports more memory than any device has";
  f("id", device.id);
  f("description", device.description);
  f("backend", device.backend);
  f("type", device.type);
  f("pci_bus_id", device.pci_bus_id);
  f.believed("memory_total_bytes", device.memory_total_bytes, kPlausibleBytes, kMisleads);
  f.believed("memory_free_bytes", device.memory_free_bytes, kPlausibleBytes, kMisleads);
}

/// Time a cause has kept the clocks down since the driver was loaded.
struct ThrottleCounter {
  std::string reason;
  std::uint64_t held_ns = 0;
};

/// What one process took of a device's time lately. The id is the driver's: that of the host, which
/// in a container is not ours.
struct ProcessUse {
  std::int64_t pid = 0;
  double percent = 0;
};

/// Totals and traces that say something only between two looks; not written to files.
struct DeviceCounters {
  Reading<std::uint64_t> energy_mj;  ///< since the driver was loaded; can start again
  Reading<std::vector<ThrottleCounter>> throttle;
  /// Who worked since the last look; empty = nobody, or nothing new.
  Reading<std::vector<ProcessUse>> processes;
};

/// One look at a device through its driver. Every field stands alone: one that cannot be read does
/// not take the others with it.
struct DeviceStatus {
  Reading<std::string> pci_bus_id;  ///< lower case, "0000:c1:00.0"
  Reading<std::string> name;
  Reading<std::string> uuid;
  std::string driver;  ///< who answered: "nvml", "amdgpu"
  Reading<std::string> driver_version;
  Reading<std::uint64_t> memory_total_bytes;
  Reading<std::uint64_t> memory_used_bytes;
  Reading<std::uint64_t> memory_free_bytes;      ///< as the driver says, never total - used
  Reading<std::uint64_t> memory_reserved_bytes;  ///< driver and firmware, NVML memory v2
  Reading<std::uint64_t> spilled_bytes;  ///< GTT in use (amdgpu): system memory the GPU pages to
  std::string memory_source;             ///< "nvml v2", "nvml v1", "amdgpu sysfs"
  Reading<double> utilisation_percent;
  Reading<double> temperature_c;
  Reading<double> power_w;
  std::string power_source;  ///< "power-average", "power-instant" or "power-usage" (either)
  Reading<double> power_limit_w;
  Reading<double> graphics_clock_mhz;
  Reading<double> graphics_clock_limit_mhz;  ///< what the card can do at most
  Reading<double> memory_clock_mhz;
  Reading<std::vector<std::string>> throttle_reasons;  ///< empty list = not throttled
  DeviceCounters counters;
};

void fields(auto& f, Is<DeviceStatus> auto& status) {
  f("driver", status.driver);
  f("memory_source", status.memory_source);
  f("pci_bus_id", status.pci_bus_id);
  f("name", status.name);
  f("uuid", status.uuid);
  f("driver_version", status.driver_version);
  f("memory_total_bytes", status.memory_total_bytes);
  f("memory_used_bytes", status.memory_used_bytes);
  f("memory_free_bytes", status.memory_free_bytes);
  f("memory_reserved_bytes", status.memory_reserved_bytes);
  f("spilled_bytes", status.spilled_bytes);
  f("utilisation_percent", status.utilisation_percent);
  f("temperature_c", status.temperature_c);
  f("power_w", status.power_w);
  f("power_limit_w", status.power_limit_w);
  f("graphics_clock_mhz", status.graphics_clock_mhz);
  f("memory_clock_mhz", status.memory_clock_mhz);
  f("throttle_reasons", status.throttle_reasons);
}

/// A device with its driver's view; `status` is absent where no driver interface knows the device.
struct DeviceReport {
  Device device;
  Reading<DeviceStatus> status;
};

void fields(auto& f, Is<DeviceReport> auto& report) {
  fields(f, report.device);
  f("status", report.status);
}

}  // namespace sweetspot
