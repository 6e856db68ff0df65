#include "profiler/memory_account.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/no_device.hpp"
#include "devices/inventory.hpp"
#include "devices/release_wait.hpp"
#include "ground/bytes.hpp"
#include "profiler/link_doubt.hpp"
#include "profiler/marks.hpp"

namespace sweetspot::profiler {
namespace {

void keep_larger(Reading<std::uint64_t>& largest, const Reading<std::uint64_t>& next) {
  if (next.has_value() && (!largest.has_value() || *next > *largest)) largest = next;
}

const std::string* pci_of(const DeviceReport& report) {
  return report.device.pci_bus_id.has_value() ? &report.device.pci_bus_id.value() : nullptr;
}

const DeviceStatus* status_of(const devices::Snapshot& snapshot, const DeviceReport& report) {
  const std::string* pci = pci_of(report);
  return pci != nullptr ? snapshot.find(*pci) : nullptr;
}

const devices::DeviceWindow* window_of(const devices::Window& window, const DeviceReport& report) {
  const std::string* pci = pci_of(report);
  const auto seen = pci != nullptr ? window.find(*pci) : window.end();
  return seen != window.end() ? &seen->second : nullptr;
}

}  // namespace

Telemetry absent_telemetry(const Absence& why) {
  Telemetry telemetry;
  telemetry.utilisation_percent = telemetry.temperature_start_c = telemetry.temperature_max_c =
      telemetry.power_w = telemetry.graphics_clock_mhz = telemetry.graphics_clock_min_mhz =
          telemetry.graphics_clock_limit_mhz = why;
  telemetry.throttle_reasons = why;
  telemetry.throttle_times = why;
  return telemetry;
}

MemoryAccount::MemoryAccount(Site& site, std::vector<DeviceReport> targets,
                             const devices::Snapshot& baseline, Reading<std::uint64_t> limit_bytes)
    : site_(site), targets_(std::move(targets)), limit_bytes_(std::move(limit_bytes)) {
  baseline_free_bytes_ = free_bytes(baseline);
}

void MemoryAccount::choose_devices(const Placement& placement) {
  used_ = uses_no_device(placement) ? std::vector<DeviceReport>() : targets_;
}

std::vector<std::string> MemoryAccount::addresses() const {
  std::vector<std::string> addresses;
  for (const DeviceReport& target : used_) {
    if (const std::string* pci = pci_of(target)) addresses.push_back(*pci);
  }
  return addresses;
}

Reading<std::uint64_t> MemoryAccount::free_bytes(const devices::Snapshot& snapshot) const {
  Reading<std::uint64_t> sum = Absence{"no driver tells"};
  for (const DeviceReport& target : targets_) {
    const DeviceStatus* status = status_of(snapshot, target);
    if (status == nullptr || !status->memory_free_bytes) continue;
    sum = sum.value_or(0) + *status->memory_free_bytes;
  }
  return sum;
}

void MemoryAccount::wait_for_release(Trial& trial) {
  if (used_.empty()) return;
  const auto read_free = [this] { return free_bytes(site_.look()); };
  if (!baseline_free_bytes_) {
    baseline_free_bytes_ = read_free();
    return;
  }
  devices::ReleaseGoal goal;
  goal.baseline_free_bytes = *baseline_free_bytes_;
  const devices::ReleaseWorld world = {[this] { return site_.now_ms(); },
                                       [this](double ms) { site_.sleep_ms(ms); },
                                       [this] { return site_.cancelled(); }};
  const devices::ReleaseResult result = devices::wait_for_release(read_free, goal, world);
  if (result.release == devices::Release::after_wait ||
      result.release == devices::Release::did_not_return) {
    trial.notes.push_back(result.sentence());
  }
}

void MemoryAccount::look_before() {
  uses_.clear();
  const devices::Snapshot snapshot = site_.look();
  for (const DeviceReport& target : used_) {
    DeviceUse use;
    use.id = target.device.id;
    if (const DeviceStatus* status = status_of(snapshot, target)) {
      use.driver = status->memory_used_bytes.has_value();
      use.total_bytes = status->memory_total_bytes;
      use.used_before_bytes = status->memory_used_bytes;
      use.spilled_before_bytes = status->spilled_bytes;
    }
    uses_.push_back(std::move(use));
  }
}

void MemoryAccount::look_before(const std::vector<Device>& listed) {
  for (DeviceUse& use : uses_) {
    if (use.driver) continue;
    for (const Device& device : listed) {
      if (device.id != use.id) continue;
      const devices::MemoryView view =
          devices::memory_of({device, Absence{"not available for this device"}});
      use.total_bytes = view.total_bytes;
      use.used_before_bytes = view.used_bytes;
    }
  }
}

void MemoryAccount::forget_peaks() {
  for (DeviceUse& use : uses_) {
    use.used_peak_bytes = use.spilled_peak_bytes = Absence{"nothing ran yet"};
  }
}

void MemoryAccount::note_peaks(const devices::Window& window) {
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    const devices::DeviceWindow* seen = window_of(window, used_[i]);
    if (seen == nullptr) continue;
    keep_larger(uses_[i].used_peak_bytes, seen->memory_used_max_bytes);
    keep_larger(uses_[i].spilled_peak_bytes, seen->spilled_max_bytes);
  }
}

void MemoryAccount::note_peaks_now() {
  const devices::Snapshot snapshot = site_.look();
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    const DeviceStatus* status = status_of(snapshot, used_[i]);
    if (status == nullptr) continue;
    keep_larger(uses_[i].used_peak_bytes, status->memory_used_bytes);
    keep_larger(uses_[i].spilled_peak_bytes, status->spilled_bytes);
  }
}

std::uint64_t MemoryAccount::on_host(const MemoryMap& memory) const {
  std::uint64_t bytes = 0;
  for (const DeviceMemory& part : memory) {
    const bool unified =
        std::any_of(targets_.begin(), targets_.end(), [&](const DeviceReport& each) {
          return each.device.id == part.id && devices::uses_host_memory(each);
        });
    if (part.id == kHostDeviceId || unified) bytes = plus(bytes, part.total_bytes());
  }
  return bytes;
}

void MemoryAccount::settle(Trial& trial) const {
  if (trial.effective && used_.empty() && !targets_.empty()) {
    const Absence no_part{"no device takes part in it"};
    trial.driver_rise_bytes = trial.used_by_others_bytes = no_part;
    trial.vram_used_bytes = offloaded_bytes(trial.memory);
    trial.vram_percent = 0.0;
    trial.vram_source = "llama.cpp";
  } else if (trial.effective) {
    VramAccount account = account_vram(uses_, trial.memory, limit_bytes_);
    trial.driver_rise_bytes = account.driver_rise_bytes;
    trial.used_by_others_bytes = account.used_by_others_bytes;
    trial.vram_used_bytes = account.vram_used_bytes;
    trial.vram_percent = account.vram_percent;
    trial.vram_source = account.source;
    std::move(account.notes.begin(), account.notes.end(), std::back_inserter(trial.notes));
  }
  mark_spill(trial, uses_);
}

void MemoryAccount::take_telemetry(const devices::Window& window, Trial& trial) {
  slow_link_.reset();
  trial.telemetry = absent_telemetry(
      {used_.empty() ? "no device takes part in it" : "not available for this device"});
  for (const DeviceReport& target : used_) {
    const devices::DeviceWindow* seen = window_of(window, target);
    if (seen == nullptr) continue;
    trial.telemetry = seen->telemetry;
    slow_link_ = link_doubt(*seen);
    return;
  }
}

}  // namespace sweetspot::profiler
