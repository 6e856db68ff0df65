// Seeded random numbers that are the same with every standard library: the distributions of
// <random> may be drawn differently, so only its engine is used.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

namespace sweetspot::fake {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }

  /// Above 0 and below 1.
  double uniform() { return (static_cast<double>(engine_() >> 11U) + 0.5) * 0x1.0p-53; }
  double between(double low, double high) { return low + (high - low) * uniform(); }

  /// As likely in each octave: for sizes that range over orders of magnitude. Both above 0.
  double between_log(double low, double high) {
    return std::exp(between(std::log(low), std::log(high)));
  }

  /// `low` to `high`, both included.
  int whole(int low, int high) {
    return low + static_cast<int>(uniform() * static_cast<double>(high - low + 1));
  }
  bool chance(double probability) { return uniform() < probability; }

  template <typename T>
  const T& one_of(const std::vector<T>& items) {
    return items[static_cast<std::size_t>(whole(0, static_cast<int>(items.size()) - 1))];
  }

  /// Standard normal (Box and Muller 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sweetspot::fake
