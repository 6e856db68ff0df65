// libnvidia-ml as loaded: its symbols, each of which may be missing, and words for its error codes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/reading.hpp"
#include "devices/nvml_abi.hpp"

namespace sweetspot::devices::nvml {

/// Null members are symbols this library does not have.
struct Symbols {
  Return (*init)() = nullptr;  // nvmlInit_v2
  Return (*init_with_flags)(unsigned) = nullptr;
  Return (*shutdown)() = nullptr;
  Return (*driver_version)(char*, unsigned) = nullptr;
  Return (*device_count)(unsigned*) = nullptr;
  Return (*device_by_index)(unsigned, Device*) = nullptr;
  Return (*device_by_pci)(const char*, Device*) = nullptr;
  Return (*pci_info)(Device, PciInfo*) = nullptr;
  Return (*name)(Device, char*, unsigned) = nullptr;
  Return (*uuid)(Device, char*, unsigned) = nullptr;
  Return (*memory)(Device, Memory*) = nullptr;
  Return (*memory_v2)(Device, MemoryV2*) = nullptr;
  Return (*utilisation)(Device, Utilisation*) = nullptr;
  Return (*temperature)(Device, int, unsigned*) = nullptr;
  Return (*temperature_v)(Device, TemperatureV1*) = nullptr;
  Return (*power_usage)(Device, unsigned*) = nullptr;
  Return (*enforced_power_limit)(Device, unsigned*) = nullptr;
  Return (*power_limit)(Device, unsigned*) = nullptr;
  Return (*power_limit_default)(Device, unsigned*) = nullptr;
  Return (*link_generation)(Device, unsigned*) = nullptr;
  Return (*link_generation_max)(Device, unsigned*) = nullptr;
  Return (*clock)(Device, int, unsigned*) = nullptr;
  Return (*event_reasons)(Device, unsigned long long*) = nullptr;
  Return (*throttle_reasons)(Device, unsigned long long*) = nullptr;
  Return (*field_values)(Device, int, FieldValue*) = nullptr;
  Return (*max_clock)(Device, int, unsigned*) = nullptr;
  Return (*violation_status)(Device, int, ViolationTime*) = nullptr;
  Return (*total_energy)(Device, unsigned long long*) = nullptr;
  Return (*process_utilisation)(Device, ProcessUtilisation*, unsigned*,
                                unsigned long long) = nullptr;
};

/// A loaded library; unloaded with its last owner.
struct Library {
  std::shared_ptr<void> handle;
  Symbols symbols;
};

using SymbolFilter = std::function<bool(std::string_view)>;

/// The error is a note such as "libnvidia-ml.so.1 is not installed".
tl::expected<Library, std::string> load(const std::string& path, const SymbolFilter& filter);

/// One clause for a code, in words a user can act on.
std::string describe(Return code);

/// What is told where the library lacks the symbol.
Absence missing(std::string_view symbol);

}  // namespace sweetspot::devices::nvml
