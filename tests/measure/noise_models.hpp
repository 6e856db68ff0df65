// Seeded series of times as devices produce them, each with its true median: the models of A2 in
// the study that the stopping rule was chosen by.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>

namespace sweetspot::measure::testing {

inline constexpr double kTrueMs = 10;

enum class Noise { normal_1, normal_3, stalls, correlated, ramp, thermal };

inline constexpr Noise kEveryNoise[] = {Noise::normal_1,   Noise::normal_3, Noise::stalls,
                                        Noise::correlated, Noise::ramp,     Noise::thermal};

inline std::string name_of(Noise noise) {
  switch (noise) {
    case Noise::normal_1:
      return "normal 1 %";
    case Noise::normal_3:
      return "normal 3 %";
    case Noise::stalls:
      return "1 % and 3 % stalls of +30 %";
    case Noise::correlated:
      return "AR(1) 0.8, 2 %";
    case Noise::ramp:
      return "1 % after a ramp of 4";
    case Noise::thermal:
      return "1 % on a 12 % drift";
  }
  return "unknown";
}

/// Yields the series one time after another. The same seed gives the same series everywhere: the
/// standard's distributions are not used, since each library may draw them differently.
class Series {
 public:
  Series(Noise noise, std::uint64_t seed) : noise_(noise), random_(seed) { state_ = normal(); }

  double next() {
    const double time = kTrueMs * (1 + deviation());
    ++count_;
    return time;
  }

 private:
  double uniform() { return (static_cast<double>(random_() >> 11U) + 0.5) * 0x1.0p-53; }

  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

  double deviation() {
    switch (noise_) {
      case Noise::normal_1:
        return 0.01 * normal();
      case Noise::normal_3:
        return 0.03 * normal();
      case Noise::stalls:
        return 0.01 * normal() + (uniform() < 0.03 ? 0.30 : 0.0);
      case Noise::correlated:
        state_ = 0.8 * state_ + 0.6 * normal();  // stationary, variance 1
        return 0.02 * state_;
      case Noise::ramp: {
        constexpr double kRamp[] = {0.70, 0.40, 0.20, 0.06};
        return 0.01 * normal() + (count_ < 4 ? kRamp[count_] : 0.0);
      }
      case Noise::thermal:  // truth is where the drift ends
        return 0.01 * normal() - 0.12 * std::exp(-static_cast<double>(count_) / 100);
    }
    return 0;
  }

  Noise noise_;
  std::mt19937_64 random_;
  double state_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace sweetspot::measure::testing
