// Devices as ggml names them, and what the driver says of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/reading.hpp"

namespace sweetspot {

/// ggml's device types (ggml-backend.h, enum ggml_backend_dev_type).
enum class DeviceType { cpu, gpu, igpu, accel };

std::string_view to_string(DeviceType type);
std::optional<DeviceType> device_type_from_string(std::string_view text);

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

/// A device with its driver's view; `status` is absent where no driver interface knows the device.
struct DeviceReport {
  Device device;
  Reading<DeviceStatus> status;
};

}  // namespace sweetspot
