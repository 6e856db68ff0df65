// Devices: the screen that says where layers go, and two tables of what they have and do now.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/reading.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// One line of each table. Texts may come from outside: they are made printable here.
struct DeviceRow {
  std::string id;       ///< ggml's, or the PCI address where ggml does not know the device
  std::string name;     ///< empty = unknown
  std::string backend;  ///< ggml's; empty = ggml does not know the device
  Reading<DeviceStatus> status;
  Reading<std::uint64_t> memory_total_bytes;  ///< from the best source, driver or ggml
  Reading<std::uint64_t> memory_used_bytes;
  Reading<std::uint64_t> memory_free_bytes;
  std::string memory_source;
  bool takes_layers = false;  ///< llama.cpp offloads to it where nobody names a device
};

/// Where layers go, a table of what there is, notes, the next step. Whole lines, safe for a
/// terminal, at most kScreenLines for up to eight devices.
std::string devices_screen(const std::vector<DeviceRow>& rows,
                           const std::vector<std::string>& notes, const Style& style);

/// Both tables, then one line for each device without a driver's word, with the reason, then
/// `notes`. A metric that cannot be read is "-". Whole lines, safe for a terminal.
std::string devices_text(const std::vector<DeviceRow>& rows, const std::vector<std::string>& notes,
                         const Style& style);

}  // namespace sweetspot::report
