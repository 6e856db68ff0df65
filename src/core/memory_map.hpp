// Bytes per device, each split as llama.cpp's own breakdown splits them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/fields.hpp"
#include "core/ranges.hpp"

namespace sweetspot {

/// What llama.cpp allocated on one device. Host buffers of every kind are summed under "CPU".
struct DeviceMemory {
  std::string id;                   ///< ggml's device name, as in Device::id
  std::uint64_t model_bytes = 0;    ///< weights
  std::uint64_t context_bytes = 0;  ///< KV cache or recurrent state
  std::uint64_t compute_bytes = 0;  ///< graph buffers
  /// Part of model_bytes that is the model file mapped into memory: shared with every process that
  /// maps it, and the kernel may drop it and read it again. 0 on devices.
  std::uint64_t mapped_bytes = 0;

  [[nodiscard]] std::uint64_t total_bytes() const {
    return model_bytes + context_bytes + compute_bytes;
  }
  /// What nobody can take back while the model is loaded.
  [[nodiscard]] std::uint64_t private_bytes() const { return total_bytes() - mapped_bytes; }
  bool operator==(const DeviceMemory&) const = default;
};

void fields(auto& f, Is<DeviceMemory> auto& memory) {
  f("id", memory.id);
  f("model_bytes", memory.model_bytes, kPlausibleBytes);
  f("context_bytes", memory.context_bytes, kPlausibleBytes);
  f("compute_bytes", memory.compute_bytes, kPlausibleBytes);
  f("mapped_bytes", memory.mapped_bytes, kPlausibleBytes);
}

using MemoryMap = std::vector<DeviceMemory>;

/// What llama.cpp would allocate for a config, as llama.cpp itself answers with allocation switched
/// off, or why it refuses the config.
struct PlannedMemory {
  MemoryMap memory;         ///< empty where it refuses
  std::uint32_t n_ctx = 0;  ///< as llama.cpp rounds it; 0 where it refuses
  std::string problem;      ///< a clause; empty where it accepts

  bool operator==(const PlannedMemory&) const = default;
};

void fields(auto& f, Is<PlannedMemory> auto& planned) {
  f("memory", planned.memory);
  f("n_ctx", planned.n_ctx, kPlausibleTokens);
  f("problem", planned.problem);
}

/// The id host memory goes by in a MemoryMap.
inline constexpr const char* kHostDeviceId = "CPU";

/// The entry of a device, or nullptr where nothing lies on it.
inline const DeviceMemory* find_device(const MemoryMap& map, std::string_view id) {
  for (const DeviceMemory& device : map) {
    if (device.id == id) return &device;
  }
  return nullptr;
}

/// Sum over every device but the host.
inline std::uint64_t offloaded_bytes(const MemoryMap& map) {
  std::uint64_t sum = 0;
  for (const DeviceMemory& device : map) {
    if (device.id != kHostDeviceId) sum += device.total_bytes();
  }
  return sum;
}

}  // namespace sweetspot
