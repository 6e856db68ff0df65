#include "tune/room_for_both.hpp"

#include <algorithm>
#include <cstdint>

#include "core/memory_map.hpp"
#include "core/no_device.hpp"

namespace sweetspot::tune {
namespace {

// Whatever limit a user allows one config, two at once leave a margin.
constexpr double kMostTogetherPercent = 85;

// The fullest devices of the two may be different ones: then this asks for more than is needed.
bool devices_have_room(const Arm& a, const Arm& b, const Rules& rules) {
  if (uses_no_device(a.config.placement) || uses_no_device(b.config.placement)) return true;
  if (rules.devices_serve_one || !a.vram_percent || !b.vram_percent) return false;
  const double most = std::min(kMostTogetherPercent, rules.constraints.max_vram_percent);
  return *a.vram_percent + *b.vram_percent <= most;
}

// Of pages that are mapped from the file both use the same.
bool host_has_room(const Arm& a, const Arm& b, const Rules& rules) {
  if (!rules.host_free_bytes || a.memory.empty() || b.memory.empty()) return false;
  std::uint64_t needed = 0;
  std::uint64_t mapped = 0;
  for (const Arm* arm : {&a, &b}) {
    for (const DeviceMemory& memory : arm->memory) {
      if (memory.id != kHostDeviceId && !rules.devices_use_host_memory) continue;
      needed += memory.private_bytes();
      mapped = std::max(mapped, memory.mapped_bytes);
    }
  }
  return needed + mapped <= *rules.host_free_bytes;
}

}  // namespace

bool has_room_for_both(const Arm& a, const Arm& b, const Rules& rules) {
  return devices_have_room(a, b, rules) && host_has_room(a, b, rules);
}

}  // namespace sweetspot::tune
