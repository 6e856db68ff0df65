// What to warn of while a program runs: memory nearly full, memory spilled, clocks held down. Each
// once per episode, with hysteresis. Pure; no clock but the one it is given.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::launch {

struct WatchRules {
  double watermark_percent = 95;           ///< of a device's memory in use, by all
  double rearm_percent = 5;                ///< below the watermark before it is warned of again
  std::uint64_t spill_bytes = 128 * kMiB;  ///< more than when it was healthy
  double throttle_seconds = 5;             ///< held down for so long without a pause
  double throttle_rearm_seconds = 60;      ///< free for so long before it is warned of again
};

class Watcher {
 public:
  explicit Watcher(WatchRules rules = {}) : rules_(rules) {}

  /// One look at the devices: sentences that are new. A figure that the driver does not give is
  /// ignored. `now_seconds` never goes back.
  std::vector<std::string> look(const std::vector<DeviceStatus>& devices, double now_seconds);

 private:
  struct Seen {
    bool full = false;  // warned of, and not yet over
    bool spilled = false;
    bool throttled = false;
    Reading<std::uint64_t> spilled_before;  // when it was first seen, or the least since
    double held_since = -1;                 // -1 = not held
    double free_since = -1;
  };

  void look_at_memory(const DeviceStatus& device, Seen& seen, std::vector<std::string>& warnings);
  void look_at_spill(const DeviceStatus& device, Seen& seen, std::vector<std::string>& warnings);
  void look_at_clocks(const DeviceStatus& device, Seen& seen, double now_seconds,
                      std::vector<std::string>& warnings);

  WatchRules rules_;
  std::map<std::string, Seen> seen_;  // by PCI id
};

}  // namespace sweetspot::launch
