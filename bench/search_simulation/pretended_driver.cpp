#include "pretended_driver.hpp"

#include <algorithm>
#include <string>

namespace sweetspot::simulation {
namespace {

constexpr const char* kAddress = "0000:01:00.0";
constexpr const char* kCause = "heat";
constexpr double kIdleCelsius = 40;
constexpr double kThrottlingCelsius = 90;

}  // namespace

std::vector<Device> PretendedDriver::devices() const {
  std::vector<Device> devices = machine_.devices();
  if (present_) devices.front().pci_bus_id = std::string(kAddress);
  return devices;
}

Held PretendedDriver::held_beside(const void* holder) const {
  Held sum;
  for (const auto& [who, held] : held_) {
    if (who == holder) continue;
    sum.device += held.device;
    sum.host += held.host;
  }
  return sum;
}

void PretendedDriver::count() {
  const double now = session_.state().seconds;
  if (throttled_) throttled_seconds_ += now - counted_to_seconds_;
  counted_to_seconds_ = now;
  throttled_ = throttles();
}

double PretendedDriver::celsius() const {
  const double limit = machine_.parts().disturbance.throttle_after_seconds;
  if (limit <= 0) return kIdleCelsius;
  return kIdleCelsius + (kThrottlingCelsius - kIdleCelsius) * session_.state().heat_seconds / limit;
}

devices::Snapshot PretendedDriver::look() {
  count();
  devices::Snapshot snapshot;
  snapshot.at_ms = session_.state().seconds * 1e3;
  if (!present_) return snapshot;
  DeviceStatus& status = snapshot.devices.emplace_back();
  const std::uint64_t total = machine_.device_total_bytes();
  const std::uint64_t others = total - machine_.device_free_bytes();
  status.pci_bus_id = std::string(kAddress);
  status.driver = status.memory_source = "pretended";
  status.memory_total_bytes = total;
  status.memory_used_bytes = std::min(total, others + held_beside(nullptr).device);
  status.memory_free_bytes = total - *status.memory_used_bytes;
  status.utilisation_percent = 0.0;  // looks are taken where nobody computes
  status.temperature_c = celsius();
  status.throttle_reasons = std::vector<std::string>();
  if (throttled_) status.throttle_reasons = std::vector<std::string>{kCause};
  status.counters.throttle =
      std::vector<ThrottleCounter>{{kCause, static_cast<std::uint64_t>(throttled_seconds_ * 1e9)}};
  return snapshot;
}

void PretendedDriver::begin_window() { window_ = {look()}; }

devices::Window PretendedDriver::end_window() {
  window_.push_back(look());
  return devices::aggregate(window_);
}

}  // namespace sweetspot::simulation
