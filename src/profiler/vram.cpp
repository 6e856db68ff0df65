#include "profiler/vram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/text.hpp"

namespace sweetspot::profiler {
namespace {

struct DeviceAccount {
  Reading<std::uint64_t> rise;
  Reading<std::uint64_t> ours;
  Reading<double> percent;
  bool from_driver = false;
};

Reading<std::uint64_t> allocated_on(const MemoryMap& memory, const std::string& id) {
  if (memory.empty()) return Absence{"this llama.cpp does not tell what it allocates"};
  for (const DeviceMemory& device : memory) {
    if (device.id == id) return device.total_bytes();
  }
  return std::uint64_t{0};
}

Reading<std::uint64_t> rise_of(const DeviceUse& device) {
  if (!device.driver) return Absence{"not available for " + device.id};
  if (!device.used_before_bytes) return Absence{device.used_before_bytes.reason()};
  if (!device.used_peak_bytes) return Absence{device.used_peak_bytes.reason()};
  if (*device.used_peak_bytes < *device.used_before_bytes) {
    return Absence{"memory in use fell while the trial ran: another program freed some"};
  }
  return *device.used_peak_bytes - *device.used_before_bytes;
}

Reading<double> percent_of(const DeviceUse& device, const Reading<std::uint64_t>& ours,
                           const Reading<std::uint64_t>& limit) {
  if (!ours) return Absence{ours.reason()};
  Reading<std::uint64_t> total = device.total_bytes;
  if (limit) total = std::min(*limit, total.value_or(*limit));
  if (!total) return Absence{total.reason()};
  if (*total == 0) return Absence{"the size of the device is not known"};
  const auto others = static_cast<double>(device.used_before_bytes.value_or(0));
  return 100.0 * (others + static_cast<double>(*ours)) / static_cast<double>(*total);
}

DeviceAccount account(const DeviceUse& device, const MemoryMap& memory,
                      const Reading<std::uint64_t>& limit) {
  DeviceAccount result;
  result.rise = rise_of(device);
  const Reading<std::uint64_t> allocated = allocated_on(memory, device.id);
  result.from_driver = result.rise.has_value() && *result.rise >= allocated.value_or(0);
  result.ours = result.from_driver ? result.rise : allocated;
  result.percent = percent_of(device, result.ours, limit);
  return result;
}

void add(Reading<std::uint64_t>& sum, const Reading<std::uint64_t>& part, bool first) {
  if (first) {
    sum = part;
  } else if (sum.has_value()) {
    sum = part.has_value() ? Reading<std::uint64_t>(*sum + *part) : part;
  }
}

void keep_larger(Reading<double>& largest, const Reading<double>& next, bool first) {
  if (first || (largest.has_value() && (!next.has_value() || *next > *largest))) largest = next;
}

}  // namespace

VramAccount account_vram(const std::vector<DeviceUse>& devices, const MemoryMap& memory,
                         const Reading<std::uint64_t>& limit_bytes) {
  VramAccount total;
  const Absence nothing{"there is no device to offload to"};
  total.driver_rise_bytes = total.used_by_others_bytes = total.vram_used_bytes = nothing;
  total.vram_percent = nothing;
  bool all_from_driver = !devices.empty();
  for (const DeviceUse& device : devices) {
    const bool first = &device == &devices.front();
    const DeviceAccount one = account(device, memory, limit_bytes);
    add(total.driver_rise_bytes, one.rise, first);
    add(total.used_by_others_bytes, device.used_before_bytes, first);
    add(total.vram_used_bytes, one.ours, first);
    keep_larger(total.vram_percent, one.percent, first);
    all_from_driver = all_from_driver && one.from_driver;
    if (device.driver && one.rise && !one.from_driver) {
      total.notes.push_back(fmt::format(
          "{}: the driver saw {} more in use, less than llama.cpp allocated; its figure is used",
          device.id, format_bytes(*one.rise)));
    }
  }
  if (total.vram_used_bytes) total.source = all_from_driver ? "driver" : "llama.cpp";
  return total;
}

}  // namespace sweetspot::profiler
