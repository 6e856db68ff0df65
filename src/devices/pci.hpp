// PCI addresses: the only name for a device that driver and ggml share (R24).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

/// "00000000:C1:00.0", "0000:c1:00.0", "c1:00.0" all become "0000:c1:00.0". Domains above ffff keep
/// eight digits. Empty where `text` is not a PCI address.
std::optional<std::string> normalise_pci_id(std::string_view text);

/// A display or compute controller as the kernel lists it. Listing reads only cached configuration
/// and power/runtime_status, which wake nothing.
struct PciDevice {
  std::string id;       ///< lower case, "0000:c1:00.0"
  unsigned vendor = 0;  ///< 0x10de NVIDIA, 0x1002 AMD, 0x8086 Intel
  unsigned device = 0;
  bool suspended = false;  ///< in runtime suspend: asleep
};

inline constexpr unsigned kVendorNvidia = 0x10de;
inline constexpr unsigned kVendorAmd = 0x1002;

/// Display controllers (class 03) and processing accelerators (class 12), by address. Empty where
/// sysfs shows none, as in some containers.
std::vector<PciDevice> list_pci_gpus(const kernel::FileTree& tree);

/// Whether the kernel has put the device to sleep. False where it does not say.
bool is_suspended(const kernel::FileTree& tree, const std::string& pci_id);

}  // namespace sweetspot::devices
