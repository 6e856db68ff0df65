// What a trial took of device memory, what others had, and the share of the card in use. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/memory_map.hpp"
#include "core/reading.hpp"

namespace sweetspot::profiler {

/// One device a trial offloads to, around that trial.
struct DeviceUse {
  std::string id;
  bool driver = false;  ///< the readings come from a driver, not from ggml
  Reading<std::uint64_t> total_bytes;
  Reading<std::uint64_t> used_before_bytes;  ///< by anyone, before our worker started
  Reading<std::uint64_t> used_peak_bytes;    ///< by anyone, highest seen while it worked
  Reading<std::uint64_t> spilled_before_bytes =
      {};  ///< system memory the device pages to, by anyone
  Reading<std::uint64_t> spilled_peak_bytes = {};
};

struct VramAccount {
  Reading<std::uint64_t> driver_rise_bytes;
  Reading<std::uint64_t> used_by_others_bytes;
  Reading<std::uint64_t> vram_used_bytes;
  Reading<double> vram_percent;  ///< of the fullest device: that one runs out first
  std::string source;            ///< "driver", "llama.cpp", or empty where neither can tell
  std::vector<std::string> notes;
};

/// Sums over the devices; the share is that of the fullest one. What a trial took on a device is
/// what the driver's used memory rose by; where that is less than llama.cpp allocated (somebody
/// else freed memory meanwhile) or cannot be asked, it is what llama.cpp allocated. `limit_bytes`
/// pretends that no device is larger.
VramAccount account_vram(const std::vector<DeviceUse>& devices, const MemoryMap& memory,
                         const Reading<std::uint64_t>& limit_bytes);

}  // namespace sweetspot::profiler
