// What NVML counts: energy, time per cause of throttling, work per process.
#pragma once

#include <optional>
#include <string>

#include "core/device.hpp"
#include "devices/nvml_asker.hpp"

namespace sweetspot::devices::nvml {

/// What one call for several fields brings; both parts can be missing.
struct Fields {
  std::optional<unsigned> power_mw;
  std::string power_source;  ///< "power-average" or "power-instant"
  Reading<std::vector<ThrottleCounter>> throttle;
};

/// One call, whatever the library knows of the fields.
Fields read_fields(Asker& asker, const Symbols& symbols);

/// The counters of `fields`, else those of the older call that newer drivers withdraw.
Reading<std::vector<ThrottleCounter>> read_throttle_counters(Asker& asker, const Symbols& symbols,
                                                             const Fields& fields);

Reading<std::uint64_t> read_energy(Asker& asker, const Symbols& symbols);

/// What worked since `newest_us`, which is moved on to the newest entry (0 at first).
Reading<std::vector<ProcessUse>> read_processes(Asker& asker, const Symbols& symbols,
                                                unsigned long long& newest_us);

}  // namespace sweetspot::devices::nvml
