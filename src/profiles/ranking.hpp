// Which of several measured trials is better, and when that cannot be told (R12).
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/no_device.hpp"
#include "core/trial.hpp"

namespace sweetspot::profiles {

/// Two speeds whose medians are further apart than this are no tie, however badly they were
/// measured: by as much a sweep tolerates to lose (search::SweepRules::tolerance).
inline constexpr double kMaxTieLoss = 0.02;

/// Of a measured trial.
inline const Estimate& speed_of(const Trial& trial) { return trial.speed()->tokens_per_second; }

inline bool is_cpu_alone(const Trial& trial) { return uses_no_device(trial.config.placement); }

/// Intervals overlap and the slower median is within kMaxTieLoss of the faster one.
bool is_tie(const Estimate& a, const Estimate& b);

/// Whether `a` takes less than `b`: device memory, then its share of the device where the bytes are
/// not known, then layers.
bool takes_less(const Trial& a, const Trial& b);

struct Ranking {
  std::size_t fastest = 0;  ///< index into the trials
  std::size_t chosen = 0;   ///< of those tied with the fastest: least memory, then fewest layers
  std::vector<std::size_t> tied;  ///< with the fastest, `chosen` excepted; ascending
};

/// Ranks the trials at `candidates` (all measured()) by generation speed. Nothing for no
/// candidates.
std::optional<Ranking> rank(const std::vector<Trial>& trials,
                            const std::vector<std::size_t>& candidates);

}  // namespace sweetspot::profiles
