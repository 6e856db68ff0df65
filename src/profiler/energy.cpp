#include "profiler/energy.hpp"

#include <fmt/format.h>

#include <optional>

#include "core/ranges.hpp"
#include "devices/counter_delta.hpp"

namespace sweetspot::profiler {
namespace {

using devices::SamplePoint;

constexpr double kMillijoulesPerJoule = 1e3;
constexpr double kMsPerSecond = 1e3;

struct Power {
  Reading<double> watts;
  std::string source;
};

std::vector<SamplePoint> within(const std::vector<SamplePoint>& points, const Span& span) {
  std::vector<SamplePoint> inside;
  for (const SamplePoint& point : points) {
    if (span.holds(point.at_ms)) inside.push_back(point);
  }
  return inside;
}

// Mean power by the counter, or nothing where too little of the time was counted.
std::optional<double> counted_watts(const std::vector<SamplePoint>& points) {
  double joules = 0;
  double ms = 0;
  const SamplePoint* before = nullptr;
  for (const SamplePoint& point : points) {
    if (!point.energy_mj) continue;
    if (before != nullptr) {
      if (const auto millijoules = devices::counted(*before->energy_mj, *point.energy_mj)) {
        joules += static_cast<double>(*millijoules) / kMillijoulesPerJoule;
        ms += point.at_ms - before->at_ms;
      }
    }
    before = &point;
  }
  if (ms < kMinCounterMs) return std::nullopt;
  const double watts = joules / (ms / kMsPerSecond);
  // 0 W means that the counter stands still.
  if (watts <= 0 || watts > kMostPlausibleWatts) return std::nullopt;
  return watts;
}

Power mean_power(const std::vector<SamplePoint>& points) {
  double sum = 0;
  int count = 0;
  const SamplePoint* first = nullptr;
  const SamplePoint* last = nullptr;
  std::string reason = "no sample fell into the measurement";
  for (const SamplePoint& point : points) {
    if (!point.power_w) {
      reason = point.power_w.reason();
      continue;
    }
    if (first == nullptr) first = &point;
    last = &point;
    sum += *point.power_w;
    ++count;
  }
  if (count == 0) return {Absence{reason}, ""};
  const double ms = last->at_ms - first->at_ms;
  if (ms < kMinPowerMs) {
    return {Absence{fmt::format("{:.1f} s of samples say nothing of power", ms / kMsPerSecond)},
            ""};
  }
  return {sum / count, last->power_source};
}

Power power_of(const devices::DeviceWindow& device, const Span& span) {
  const std::vector<SamplePoint> points = within(device.points, span);
  if (const auto watts = counted_watts(points)) return {*watts, "energy-counter"};
  return mean_power(points);
}

double seconds_per_token(const std::vector<Sample>& samples) {
  double ms = 0;
  double tokens = 0;
  for (const Sample& sample : samples) {
    ms += sample.duration_ms;
    tokens += sample.tokens;
  }
  return tokens > 0 ? ms / kMsPerSecond / tokens : 0;
}

}  // namespace

Energy energy_of(const std::vector<const devices::DeviceWindow*>& devices, const Span& span,
                 const std::vector<Sample>& samples) {
  if (devices.empty()) return {Absence{"no device with layers tells its power"}, ""};
  double watts = 0;
  std::string source;
  for (const devices::DeviceWindow* device : devices) {
    const Power power = power_of(*device, span);
    if (!power.watts) return {power.watts, ""};
    watts += *power.watts;
    // Of several sources the least sure one is named.
    if (source.empty() || source == "energy-counter") source = power.source;
  }
  return {watts * seconds_per_token(samples), source};
}

}  // namespace sweetspot::profiler
