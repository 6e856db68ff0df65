#include "profiler/link_doubt.hpp"

#include <fmt/format.h>

namespace sweetspot::profiler {

std::optional<std::string> link_doubt(const devices::DeviceWindow& window) {
  if (!window.pcie_generation || !window.pcie_generation_max) return std::nullopt;
  if (*window.pcie_generation >= *window.pcie_generation_max) return std::nullopt;
  return fmt::format(
      "Something is wrong with this machine: the card's link ran as PCIe {:.0f} of {:.0f} though "
      "it was busy: loading, and layers that "
      "stay on the processor, are slower; see whether the firmware (BIOS) holds the slot down or a "
      "riser cable does, and whether the card sits firmly.",
      *window.pcie_generation, *window.pcie_generation_max);
}

}  // namespace sweetspot::profiler
