// A device that worked far below its clocks though nothing is said to hold it down. Pure.
#pragma once

#include <optional>
#include <string>

#include "core/trial.hpp"

namespace sweetspot::profiler {

/// Busy (devices::kBusyPercent), with clocks at this share of the limit or less. A card that has
/// work raises its clocks to near the limit unless heat, power or somebody's setting keeps them
/// down, and then its driver says so.
inline constexpr double kLowClockShare = 0.5;

/// One sentence with what to do. Nothing where the driver names what holds the clocks down, or does
/// not tell clocks, limit or use.
std::optional<std::string> clock_doubt(const Telemetry& telemetry);

}  // namespace sweetspot::profiler
