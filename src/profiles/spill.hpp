// Device memory that silently became system memory (R20), seen in the speeds.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/trial.hpp"

namespace sweetspot::profiles {

/// A trial is suspected where fewer layers on the same device were this many times faster.
inline constexpr double kSpillSpeedRatio = 3.0;

/// And where fewer layers read prompts this many times faster: what lies in system memory slows a
/// prompt down first, because each piece of it reads all weights.
inline constexpr double kSpillPromptRatio = 1.5;

/// A device of which less than this was in use has nothing to move to system memory, percent;
/// unless it ran out of memory with more layers.
inline constexpr double kSpillFromPercent = 60;

struct Spill {
  std::size_t index = 0;  ///< into the trials
  std::string note;       ///< for people: "spilled: 4.1 times slower than with 24 layers"
};

/// Trials more than kSpillSpeedRatio slower than a measured trial with fewer layers, but at least
/// one, or with prompts more than kSpillPromptRatio slower: where a device is slower than the CPU,
/// the first layer on it really costs that much; prompts that the CPU alone reads faster than the
/// device say nothing. Nor are trials that left the device half empty: a device can be that slow.
/// Nor are trials that waited for a processor, or whose speed is too uncertain: their speed says
/// nothing about memory. Ascending by index.
std::vector<Spill> find_spills(const std::vector<Trial>& trials);

/// For each trial whether it spilled: found by find_spills() or marked so, whoever found out (a
/// driver's count of paged memory, for one).
std::vector<bool> spilled(const std::vector<Trial>& trials);

}  // namespace sweetspot::profiles
