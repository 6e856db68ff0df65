// A bound that every possible world keeps to: time is a sum of what is done where and of crossings,
// so a config takes at least its share of the CPU alone and of the device alone.
#pragma once

namespace sweetspot::search {

/// How much of that sum counts, because sums are not quite that simple.
inline constexpr double kLeastShare = 0.85;

/// What both ends took; 0 where one was not measured, which bounds nothing.
struct LeastTime {
  double cpu_ms = 0;  ///< everything on the CPU
  double all_ms = 0;  ///< everything on the device

  /// Of a config that leaves `cpu_share` of a token's reads on the CPU, 0..1. One measurement below
  /// it refutes the bound: a slow second device, a card that slows down when it is full.
  [[nodiscard]] double at(double cpu_share) const {
    return kLeastShare * (cpu_share * cpu_ms + (1 - cpu_share) * all_ms);
  }
};

}  // namespace sweetspot::search
