// Bytes per device, each split as llama.cpp's own breakdown splits them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sweetspot {

/// What llama.cpp allocated on one device. Host buffers of every kind are summed under "CPU".
struct DeviceMemory {
  std::string id;                   ///< ggml's device name, as in Device::id
  std::uint64_t model_bytes = 0;    ///< weights
  std::uint64_t context_bytes = 0;  ///< KV cache or recurrent state
  std::uint64_t compute_bytes = 0;  ///< graph buffers

  [[nodiscard]] std::uint64_t total_bytes() const {
    return model_bytes + context_bytes + compute_bytes;
  }
  bool operator==(const DeviceMemory&) const = default;
};

using MemoryMap = std::vector<DeviceMemory>;

/// The id host memory goes by in a MemoryMap.
inline constexpr const char* kHostDeviceId = "CPU";

/// Sum over every device but the host.
inline std::uint64_t offloaded_bytes(const MemoryMap& map) {
  std::uint64_t sum = 0;
  for (const DeviceMemory& device : map) {
    if (device.id != kHostDeviceId) sum += device.total_bytes();
  }
  return sum;
}

}  // namespace sweetspot
