// What of this machine makes everything on it slower than it could be, as far as the kernel tells.
#pragma once

#include <string>
#include <vector>

#include "core/device.hpp"
#include "devices/telemetry.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

/// One sentence without its full stop for each, with what to do:
///  - a device that is a software renderer: the processor computes, behind a graphics driver;
///  - a card that is connected by fewer PCIe lanes than it has, on its way to the processor. The
///    speed of the lanes is judged under load (profiler/link_doubt.hpp): cards that idle lower it;
///  - a power limit below the one that the card was sold with (NVML, amdgpu);
///  - a governor that keeps the processor's clocks down, or a highest clock set below what it can.
/// What the kernel does not tell is not held against anyone. Reads cached attributes of sysfs only,
/// so no card is woken.
std::vector<std::string> slow_hardware(const kernel::FileTree& tree,
                                       const std::vector<DeviceReport>& devices,
                                       const CardAbilities& abilities = {});

}  // namespace sweetspot::devices
