#include "vram_view.hpp"

#include "core/no_device.hpp"

namespace sweetspot::simulation {

double VramView::percent_of(std::uint64_t ours) const {
  const std::uint64_t others = machine_.device_total_bytes() - machine_.device_free_bytes();
  return 100 * static_cast<double>(others + ours) /
         static_cast<double>(machine_.device_total_bytes());
}

double VramView::visible_percent(const Config& config) const {
  if (uses_no_device(config.placement)) return 0;
  if (!driver_) return predicted_percent(config);
  return percent_of(machine_.device_need(config).first_decode_bytes);
}

double VramView::predicted_percent(const Config& config) const {
  if (uses_no_device(config.placement)) return 0;
  return percent_of(offloaded_bytes(machine_.memory(config)));
}

std::uint64_t VramView::missing_bytes(const Config& config) const {
  const std::uint64_t need = offloaded_bytes(machine_.memory(config));
  const std::uint64_t free = machine_.device_free_bytes();
  return need > free ? need - free : 0;
}

}  // namespace sweetspot::simulation
