// Numbers that several files of this room must agree on.
#pragma once

#include <chrono>

namespace sweetspot::profiler {

/// Drivers are waited for this long when the sampler starts.
inline constexpr std::chrono::milliseconds kFirstSampleDeadline{2000};

}  // namespace sweetspot::profiler
