// Energy per token, from what the drivers say of power while one kind of work runs (R21). Pure.
#pragma once

#include <string>
#include <vector>

#include "core/reading.hpp"
#include "core/trial.hpp"
#include "devices/sampler.hpp"
#include "profiler/span.hpp"

namespace sweetspot::profiler {

/// A total of energy is read in steps of 100 ms; over this long the steps are lost in it.
inline constexpr double kMinCounterMs = 5000;

/// Readings of power are means over up to a second, so shorter work says nothing of them.
inline constexpr double kMinPowerMs = 1000;

struct Energy {
  Reading<double> joules_per_token;
  std::string source;  ///< as Speed::energy_source
};

/// Mean power of the devices times the mean time per token of `samples`, so that work between the
/// timed passes (filling the cache) is taken to draw the same power. A counter that starts again
/// loses the interval it happened in.
Energy energy_of(const std::vector<const devices::DeviceWindow*>& devices, const Span& span,
                 const std::vector<Sample>& samples);

}  // namespace sweetspot::profiler
