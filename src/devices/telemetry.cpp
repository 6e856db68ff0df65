#include "devices/telemetry.hpp"

#include <string>

namespace sweetspot::devices {
namespace {

bool absent_because(const DeviceStatus& status, std::string_view reason) {
  return !status.memory_total_bytes && status.memory_total_bytes.reason() == reason &&
         !status.temperature_c && status.temperature_c.reason() == reason;
}

}  // namespace

bool is_asleep(const DeviceStatus& status) { return absent_because(status, kAsleepReason); }

bool is_lost(const DeviceStatus& status) { return absent_because(status, kLostReason); }

void make_absent(DeviceStatus& status, std::string_view reason) {
  const Absence absence{std::string(reason)};
  status.memory_total_bytes = absence;
  status.memory_used_bytes = absence;
  status.memory_free_bytes = absence;
  status.memory_reserved_bytes = absence;
  status.spilled_bytes = absence;
  status.utilisation_percent = absence;
  status.temperature_c = absence;
  status.power_w = absence;
  status.power_source.clear();
  status.power_limit_w = absence;
  status.graphics_clock_mhz = absence;
  status.memory_clock_mhz = absence;
  status.graphics_clock_limit_mhz = absence;
  status.throttle_reasons = absence;
  status.counters.energy_mj = absence;
  status.counters.throttle = absence;
  status.counters.processes = absence;
}

}  // namespace sweetspot::devices
