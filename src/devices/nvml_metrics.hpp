// What NVML says of a card now, and what is made of answers that cannot be true.
#pragma once

#include <string>
#include <vector>

#include "core/device.hpp"
#include "devices/nvml_asker.hpp"
#include "devices/nvml_counters.hpp"

namespace sweetspot::devices::nvml {

/// NVML's second way of telling memory, which names what the driver reserves, else its first.
void read_memory(DeviceStatus& status, Asker& asker, const Symbols& symbols);

/// Percent.
Reading<double> read_utilisation(Asker& asker, const Symbols& symbols);

/// Degrees Celsius.
Reading<double> read_temperature(Asker& asker, const Symbols& symbols);

/// The fields first: they say which of two quantities they are, and a driver that has withdrawn
/// nvmlDeviceGetPowerUsage still answers them.
void read_power(DeviceStatus& status, Asker& asker, const Symbols& symbols, const Fields& fields);

/// Watts.
Reading<double> read_power_limit(Asker& asker, const Symbols& symbols);
Reading<double> read_default_power_limit(Asker& asker, const Symbols& symbols);

/// Of PCIe, now and at most.
Reading<double> read_link_generation(Asker& asker, const Symbols& symbols);
Reading<double> read_link_generation_max(Asker& asker, const Symbols& symbols);

/// MHz. `clock`: kClockGraphics or kClockMemory.
Reading<double> read_clock(Asker& asker, const Symbols& symbols, int clock);
Reading<double> read_clock_limit(Asker& asker, const Symbols& symbols);

Reading<std::vector<std::string>> read_throttle(Asker& asker, const Symbols& symbols);

}  // namespace sweetspot::devices::nvml
