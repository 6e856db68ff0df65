// Cards that the PCI bus has and llama.cpp does not use, and why not.
#pragma once

#include <string>
#include <vector>

#include "core/device.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

/// One sentence for each display controller or accelerator of the PCI bus that is none of
/// `devices`: what it is, and the first thing that keeps llama.cpp from it: no driver, a driver
/// that no backend works with, no backend among `backends` (ggml's registry names), a device file
/// that is not there or may not be opened. Where a device has no PCI address, which card it is
/// cannot be told: then only without any device to offload to. Nothing is opened, so no card is
/// woken.
std::vector<std::string> unused_cards(const kernel::FileTree& tree,
                                      const std::vector<Device>& devices,
                                      const std::vector<std::string>& backends);

}  // namespace sweetspot::devices
