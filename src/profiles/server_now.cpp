#include "profiles/server_now.hpp"

#include "core/server_memory.hpp"
#include "ground/bytes.hpp"
#include "profiles/choose.hpp"
#include "profiles/device_now.hpp"

namespace sweetspot::profiles {
namespace {

// Integrated and unified devices lie in host memory.
std::uint64_t devices_on_host(const ProfileSet& set, const SavedProfile& profile,
                              const LiveMachine& live) {
  std::uint64_t bytes = 0;
  for (const DeviceNeed& need : profile.needs.value_or({})) {
    const SetDevice* const device = device_of(set, need.device);
    if (device == nullptr) continue;
    const Found found = find_device(*device, set, live);
    if (!found.here) continue;
    const MemoryNow now = memory_now(*device, found, live.host_available_bytes);
    if (now.shares_host_memory) bytes = plus(bytes, need.bytes);
  }
  return bytes;
}

ServerSettings beside(const Config& config, const Reading<std::uint64_t>& checkpoint_bytes,
                      std::uint64_t lies_there, std::uint64_t available) {
  const std::uint64_t taken = plus(lies_there, margin_bytes(lies_there, /*widened=*/true));
  return settings_within(config, checkpoint_bytes.value_or(0), minus(available, taken));
}

}  // namespace

ServerSettings server_now(const ProfileSet& set, const SavedProfile& profile,
                          const LiveMachine& live) {
  if (!live.host_available_bytes || !profile.host_bytes) return profile.config.server;
  const std::uint64_t lies_there =
      plus(plus(*profile.host_bytes, profile.host_mapped_bytes.value_or(0)),
           devices_on_host(set, profile, live));
  return beside(profile.config, profile.checkpoint_bytes, lies_there, *live.host_available_bytes);
}

ServerSettings server_then(const Run& run, const Trial& trial) {
  const Reading<std::uint64_t>& available = run.machine.memory_available_bytes;
  const DeviceMemory* const host = find_device(trial.memory, kHostDeviceId);
  if (!available || host == nullptr) return trial.config.server;
  return beside(trial.config, run.checkpoint_bytes, host->total_bytes(), *available);
}

}  // namespace sweetspot::profiles
