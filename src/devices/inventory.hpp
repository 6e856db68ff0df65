// ggml's devices joined with what their drivers say, by PCI address and never by index (R24).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/fields.hpp"
#include "core/reading.hpp"

namespace sweetspot::devices {

/// One report per ggml device, in ggml's order. Two ggml devices on one card (CUDA0 and Vulkan0)
/// both get its status. A device that comes without an address (llama-server tells none) gets that
/// of the one card of its name; where there are two alike, and for a device of another machine
/// (RPC), there is the reason.
std::vector<DeviceReport> join(const std::vector<Device>& devices,
                               const std::vector<DeviceStatus>& statuses);

/// Statuses that no ggml device claims: a card whose backend is not installed, or which sleeps.
std::vector<DeviceStatus> unclaimed(const std::vector<Device>& devices,
                                    const std::vector<DeviceStatus>& statuses);

/// A device's memory from the best source there is (R15): the driver, else ggml. All fields come
/// from one source, so that they can be compared.
struct MemoryView {
  Reading<std::uint64_t> total_bytes;
  Reading<std::uint64_t>
      used_bytes;  ///< by anyone; with NVML v2 the driver's own reserve is not in it
  Reading<std::uint64_t> free_bytes;
  std::string source;  ///< "nvml v2", "ggml", "ggml, capped by host memory"; empty = none
};

void fields(auto& f, Is<MemoryView> auto& memory) {
  f("source", memory.source);
  f("total_bytes", memory.total_bytes);
  f("used_bytes", memory.used_bytes);
  f("free_bytes", memory.free_bytes);
}

/// Whether the device's memory is the host's: integrated, or unified as its driver says.
bool uses_host_memory(const DeviceReport& report);

/// `host_available_bytes` is Machine::memory_available_bytes: it caps the free memory of devices
/// that use host memory (integrated and unified, R19), since ggml does not look at cgroup limits.
/// Figures that cannot be true (total 0, free above total) become absent.
MemoryView memory_of(const DeviceReport& report,
                     const Reading<std::uint64_t>& host_available_bytes = {});

}  // namespace sweetspot::devices
