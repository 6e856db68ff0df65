// How long each cause kept a device's clocks down while samples were taken.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/trial.hpp"

namespace sweetspot::devices {

/// Give it the samples in order. A cause that the driver counts the time of has that time; of
/// others only the moments are known, and their share of the samples stands for their share of the
/// time.
class HeldTimes {
 public:
  void add(double at_ms, const DeviceStatus& status);

  /// Causes that held at all, longest first. Absent where the driver tells neither way.
  [[nodiscard]] Reading<std::vector<ThrottleTime>> times() const;

  /// From the first sample to the last.
  [[nodiscard]] double observed_ms() const { return samples_ == 0 ? 0 : last_ms_ - first_ms_; }

 private:
  void add_counters(const DeviceStatus& status);
  void add_moments(const DeviceStatus& status);

  int samples_ = 0;
  double first_ms_ = 0;
  double last_ms_ = 0;
  int looks_ = 0;  ///< samples that told the causes of the moment
  std::map<std::string, int> moments_;
  std::map<std::string, std::uint64_t> newest_ns_;
  std::map<std::string, double> counted_ms_;
  std::string reason_ = "no sample fell into the measurement";
};

}  // namespace sweetspot::devices
