// Sizes in bytes. Those of drivers, workers and files may be any number, so no sum of them wraps.
#pragma once

#include <cstdint>
#include <limits>

namespace sweetspot {

inline constexpr std::uint64_t kKiB = std::uint64_t{1} << 10U;
inline constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;

/// The most that 64 bits hold; what a sum or product that is larger becomes.
inline constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint64_t>::max();

/// a - b, never below 0.
constexpr std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

/// a + b, never above kMostBytes.
constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > kMostBytes - b ? kMostBytes : a + b;
}

/// a * b, never above kMostBytes.
constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > kMostBytes / b ? kMostBytes : a * b;
}

}  // namespace sweetspot
