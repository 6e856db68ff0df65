// The machine as choosing looks at it (core/profile_set.hpp), from what drivers and ggml say. Pure.
#pragma once

#include <vector>

#include "core/device.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "devices/pci.hpp"

namespace sweetspot::devices {

/// With ggml's devices: those that can be offloaded to, with memory as memory_of() tells it.
/// `machine` gives host memory, processor and environment; llama_cpp, rpc and model stay unknown.
LiveMachine live_machine(const std::vector<DeviceReport>& reports, const Machine& machine);

/// Without ggml: every card that a driver interface tells of, and those of `cards` that none does,
/// whose memory nobody can read. No ids, for only ggml knows them.
LiveMachine live_machine(const std::vector<DeviceStatus>& statuses,
                         const std::vector<PciDevice>& cards, const Machine& machine);

/// With the devices that a host's own ggml knows, and only those: what `seen` says of the same
/// cards (by PCI id) is added, and stands in for memory figures that the host does not give.
LiveMachine with_devices_of_host(std::vector<LiveDevice> told, const LiveMachine& seen);

/// One driver's status as a device without id.
LiveDevice live_device(const DeviceStatus& status,
                       const Reading<std::uint64_t>& host_available_bytes);

}  // namespace sweetspot::devices
