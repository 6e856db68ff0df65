// A card whose link to the processor stays slow while it works. Pure.
#pragma once

#include <optional>
#include <string>

#include "devices/sampler.hpp"

namespace sweetspot::profiler {

/// One sentence with what to do, of what a card did while a trial ran: its link never reached the
/// generation of PCIe that card and board have in common. Nothing where the driver does not tell,
/// or the card was not busy.
std::optional<std::string> link_doubt(const devices::DeviceWindow& window);

}  // namespace sweetspot::profiler
