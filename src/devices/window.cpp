// A window of samples to one summary per device.
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "devices/held_times.hpp"
#include "devices/sampler.hpp"

namespace sweetspot::devices {
namespace {

// What is kept of one metric while samples go by. Where it is absent, the last reason is reported.
template <typename T>
class Track {
 public:
  void add(const Reading<T>& reading) {
    if (!reading) {
      reason_ = reading.reason();
      return;
    }
    if (!first_) first_ = *reading;
    sum_ += static_cast<double>(*reading);
    ++count_;
    max_ = max_ ? std::max(*max_, *reading) : *reading;
    min_ = min_ ? std::min(*min_, *reading) : *reading;
  }

  [[nodiscard]] Reading<T> first() const { return or_absent(first_); }
  [[nodiscard]] Reading<T> max() const { return or_absent(max_); }
  [[nodiscard]] Reading<T> min() const { return or_absent(min_); }
  [[nodiscard]] Reading<double> mean() const {
    if (count_ == 0) return Absence{reason_};
    return sum_ / count_;
  }

 private:
  [[nodiscard]] Reading<T> or_absent(const std::optional<T>& value) const {
    if (!value) return Absence{reason_};
    return *value;
  }

  std::optional<T> first_;
  std::optional<T> max_;
  std::optional<T> min_;
  double sum_ = 0;
  int count_ = 0;
  std::string reason_ = "no sample fell into the measurement";
};

class ThrottleUnion {
 public:
  void add(const Reading<std::vector<std::string>>& reasons) {
    if (!reasons) {
      reason_ = reasons.reason();
      return;
    }
    seen_ = true;
    names_.insert(reasons->begin(), reasons->end());
  }

  [[nodiscard]] Reading<std::vector<std::string>> all() const {
    if (!seen_) return Absence{reason_};
    return std::vector<std::string>(names_.begin(), names_.end());
  }

 private:
  bool seen_ = false;
  std::set<std::string> names_;
  std::string reason_ = "no sample fell into the measurement";
};

// Mean share of each process over the looks that told of anybody: between two updates of the driver
// there is nothing new, which does not mean that nobody works.
class ProcessTrack {
 public:
  void add(const Reading<std::vector<ProcessUse>>& processes) {
    if (!processes) {
      reason_ = processes.reason();
      return;
    }
    if (processes->empty()) return;
    ++looks_;
    for (const ProcessUse& use : *processes) sums_[use.pid] += use.percent;
  }

  [[nodiscard]] Reading<std::vector<ProcessUse>> means() const {
    if (looks_ == 0) return Absence{reason_};
    std::vector<ProcessUse> means;
    means.reserve(sums_.size());
    for (const auto& [pid, sum] : sums_) means.push_back({pid, sum / looks_});
    return means;
  }

 private:
  int looks_ = 0;
  std::map<std::int64_t, double> sums_;
  std::string reason_ = "the driver told of no process at work";
};

class DeviceTracks {
 public:
  void add(double at_ms, const DeviceStatus& status, const CardAbility* ability) {
    if (ability != nullptr && status.utilisation_percent &&
        *status.utilisation_percent >= kBusyPercent) {
      generation_.add(ability->pcie_generation);
      generation_max_.add(ability->pcie_generation_max);
    }
    utilisation_.add(status.utilisation_percent);
    temperature_.add(status.temperature_c);
    power_.add(status.power_w);
    clock_.add(status.graphics_clock_mhz);
    throttle_.add(status.throttle_reasons);
    used_.add(status.memory_used_bytes);
    free_.add(status.memory_free_bytes);
    spilled_.add(status.spilled_bytes);
    clock_limit_.add(status.graphics_clock_limit_mhz);
    total_.add(status.memory_total_bytes);
    held_.add(at_ms, status);
    processes_.add(status.counters.processes);
    points_.push_back({at_ms, status.memory_used_bytes, status.counters.energy_mj, status.power_w,
                       status.power_source});
    ++samples_;
  }

  [[nodiscard]] DeviceWindow summary() const {
    DeviceWindow window;
    window.telemetry.utilisation_percent = utilisation_.mean();
    window.telemetry.temperature_start_c = temperature_.first();
    window.telemetry.temperature_max_c = temperature_.max();
    window.telemetry.power_w = power_.mean();
    window.telemetry.graphics_clock_mhz = clock_.mean();
    window.telemetry.graphics_clock_min_mhz = clock_.min();
    window.telemetry.graphics_clock_limit_mhz = clock_limit_.max();
    window.telemetry.throttle_reasons = throttle_.all();
    window.telemetry.throttle_times = held_.times();
    window.telemetry.samples = samples_;
    window.observed_ms = held_.observed_ms();
    window.memory_total_bytes = total_.max();
    window.memory_used_max_bytes = used_.max();
    window.memory_free_min_bytes = free_.min();
    window.spilled_max_bytes = spilled_.max();
    window.processes = processes_.means();
    window.points = points_;
    window.pcie_generation = generation_.max();
    window.pcie_generation_max = generation_max_.max();
    return window;
  }

 private:
  Track<double> utilisation_;
  Track<double> temperature_;
  Track<double> power_;
  Track<double> clock_;
  Track<double> clock_limit_;
  Track<double> generation_;
  Track<double> generation_max_;
  ThrottleUnion throttle_;
  HeldTimes held_;
  ProcessTrack processes_;
  std::vector<SamplePoint> points_;
  Track<std::uint64_t> total_;
  Track<std::uint64_t> used_;
  Track<std::uint64_t> free_;
  Track<std::uint64_t> spilled_;
  std::uint32_t samples_ = 0;
};

}  // namespace

Window aggregate(const std::vector<Snapshot>& samples) {
  std::map<std::string, DeviceTracks> tracks;
  for (const Snapshot& sample : samples) {
    for (const DeviceStatus& status : sample.devices) {
      if (!status.pci_bus_id) continue;
      const auto ability = sample.abilities.find(*status.pci_bus_id);
      tracks[*status.pci_bus_id].add(
          sample.at_ms, status, ability == sample.abilities.end() ? nullptr : &ability->second);
    }
  }
  Window window;
  for (const auto& [id, track] : tracks) window.emplace(id, track.summary());
  return window;
}

}  // namespace sweetspot::devices
