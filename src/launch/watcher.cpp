#include "launch/watcher.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.hpp"

namespace sweetspot::launch {
namespace {

std::string name_of(const DeviceStatus& device) {
  return printable(device.name ? *device.name : device.pci_bus_id.value_or("the device"));
}

}  // namespace

std::vector<std::string> Watcher::look(const std::vector<DeviceStatus>& devices,
                                       double now_seconds) {
  std::vector<std::string> warnings;
  for (const DeviceStatus& device : devices) {
    Seen& seen = seen_[device.pci_bus_id.value_or(device.driver)];
    look_at_memory(device, seen, warnings);
    look_at_spill(device, seen, warnings);
    look_at_clocks(device, seen, now_seconds, warnings);
  }
  return warnings;
}

void Watcher::look_at_memory(const DeviceStatus& device, Seen& seen,
                             std::vector<std::string>& warnings) {
  if (!device.memory_used_bytes || !device.memory_total_bytes) return;
  const double total = static_cast<double>(*device.memory_total_bytes);
  if (total <= 0) return;
  constexpr double kPercent = 100;
  const double percent = kPercent * static_cast<double>(*device.memory_used_bytes) / total;
  if (percent < rules_.watermark_percent - rules_.rearm_percent) seen.full = false;
  if (percent < rules_.watermark_percent || seen.full) return;
  seen.full = true;
  warnings.push_back(fmt::format("{:.0f} % of the memory of {} is in use ({} of {})", percent,
                                 name_of(device), format_bytes(*device.memory_used_bytes),
                                 format_bytes(*device.memory_total_bytes)));
}

void Watcher::look_at_spill(const DeviceStatus& device, Seen& seen,
                            std::vector<std::string>& warnings) {
  if (!device.spilled_bytes) return;
  const std::uint64_t now = *device.spilled_bytes;
  const std::uint64_t before = std::min(seen.spilled_before.value_or(now), now);
  seen.spilled_before = before;
  const std::uint64_t grown = now - before;
  if (grown < rules_.spill_bytes / 2) seen.spilled = false;
  if (grown < rules_.spill_bytes || seen.spilled) return;
  seen.spilled = true;
  warnings.push_back(
      fmt::format("{} of the memory of {} spilled into system memory: answers will be slow",
                  format_bytes(grown), name_of(device)));
}

void Watcher::look_at_clocks(const DeviceStatus& device, Seen& seen, double now_seconds,
                             std::vector<std::string>& warnings) {
  if (!device.throttle_reasons) return;
  if (device.throttle_reasons->empty()) {
    seen.held_since = -1;
    if (seen.free_since < 0) seen.free_since = now_seconds;
    if (now_seconds - seen.free_since >= rules_.throttle_rearm_seconds) seen.throttled = false;
    return;
  }
  seen.free_since = -1;
  if (seen.held_since < 0) seen.held_since = now_seconds;
  if (seen.throttled || now_seconds - seen.held_since < rules_.throttle_seconds) return;
  seen.throttled = true;
  warnings.push_back(fmt::format("the clocks of {} are held down ({})", name_of(device),
                                 fmt::join(*device.throttle_reasons, ", ")));
}

}  // namespace sweetspot::launch
