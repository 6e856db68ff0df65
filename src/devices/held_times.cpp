#include "devices/held_times.hpp"

#include <algorithm>

#include "devices/counter_delta.hpp"

namespace sweetspot::devices {
namespace {

constexpr double kNanosecondsPerMs = 1e6;

}  // namespace

void HeldTimes::add(double at_ms, const DeviceStatus& status) {
  if (samples_++ == 0) first_ms_ = at_ms;
  last_ms_ = at_ms;
  add_counters(status);
  add_moments(status);
}

void HeldTimes::add_counters(const DeviceStatus& status) {
  if (!status.counters.throttle) return;
  for (const ThrottleCounter& counter : *status.counters.throttle) {
    const auto [newest, first] = newest_ns_.emplace(counter.reason, counter.held_ns);
    double& sum = counted_ms_[counter.reason];
    if (first) continue;
    // What a driver counted before it started again is lost; what it counts since is not.
    const std::uint64_t held = counted(newest->second, counter.held_ns).value_or(counter.held_ns);
    sum += static_cast<double>(held) / kNanosecondsPerMs;
    newest->second = counter.held_ns;
  }
}

void HeldTimes::add_moments(const DeviceStatus& status) {
  if (!status.throttle_reasons) {
    reason_ = status.throttle_reasons.reason();
    return;
  }
  ++looks_;
  for (const std::string& cause : *status.throttle_reasons) ++moments_[cause];
}

Reading<std::vector<ThrottleTime>> HeldTimes::times() const {
  if (looks_ == 0 && counted_ms_.empty()) return Absence{reason_};
  std::vector<ThrottleTime> times;
  for (const auto& [cause, ms] : counted_ms_) {
    // A counter that moves in steps may show more than there was.
    if (ms > 0) times.push_back({cause, std::min(ms, observed_ms())});
  }
  for (const auto& [cause, count] : moments_) {
    if (counted_ms_.contains(cause)) continue;
    times.push_back({cause, observed_ms() * count / looks_});
  }
  std::stable_sort(times.begin(), times.end(),
                   [](const ThrottleTime& a, const ThrottleTime& b) { return a.ms > b.ms; });
  return times;
}

}  // namespace sweetspot::devices
