// Numbers that several files of this room must agree on.
#pragma once

#include <chrono>
#include <cstdint>

namespace sweetspot::profiler {

/// Drivers are waited for this long when the sampler starts, and this long for a look that is newer
/// than the question.
inline constexpr std::chrono::milliseconds kFirstSampleDeadline{2000};
inline constexpr std::chrono::milliseconds kFreshDeadline{500};

/// Tokens generated per pass. The pass is laid around the middle of the generation, where the cost
/// of a token is the mean over all of them as long as it grows evenly with depth. The same in
/// trials and slices, so that both speak of the same tokens.
inline constexpr std::uint32_t kTokensPerPass = 32;

}  // namespace sweetspot::profiler
