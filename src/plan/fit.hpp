// Whether a config fits its budgets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/memory_map.hpp"
#include "plan/budget.hpp"

namespace sweetspot::plan {

struct DeviceFit {
  std::string id;
  std::uint64_t needed_bytes = 0;  ///< llama.cpp's buffers and the driver's share
  std::uint64_t budget_bytes = 0;
  std::uint64_t missing_bytes = 0;  ///< 0 = fits
};

struct Fit {
  bool fits = false;
  std::uint64_t missing_bytes = 0;       ///< summed over the devices, those without a budget too
  std::uint64_t host_missing_bytes = 0;  ///< private host memory beyond what is available
  /// Mapped weights for which the host then has no memory. No reason not to fit: the kernel drops
  /// them and reads them from the file again, for every token.
  std::uint64_t reread_bytes = 0;
  std::vector<DeviceFit> devices;  ///< one for each budget, in order
};

/// A device that the config puts nothing on needs nothing, not even the driver's share. A config
/// that llama.cpp refuses does not fit; nothing is missing then. A device without a budget may hold
/// nothing: what the config puts there is missing. Host memory counts where it is known.
Fit fit_of(const PlannedMemory& planned, const Budgets& budgets);

}  // namespace sweetspot::plan
