// Device memory around the trials of one model: what was free at first, what others had before, the
// most that was in use while the model was held.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/trial.hpp"
#include "devices/sampler.hpp"
#include "profiler/site.hpp"
#include "profiler/vram.hpp"

namespace sweetspot::profiler {

/// Not thread safe. `site` must outlive it.
class MemoryAccount {
 public:
  /// `targets` are the devices that layers go to, `baseline` what drivers said before anything was
  /// started. `limit_bytes` pretends that no device is larger.
  MemoryAccount(Site& site, std::vector<DeviceReport> targets, const devices::Snapshot& baseline,
                Reading<std::uint64_t> limit_bytes);

  /// The devices of the next trial: all targets, none for the CPU alone.
  void choose_devices(const Placement& placement);
  [[nodiscard]] const std::vector<DeviceReport>& devices() const { return used_; }

  /// The addresses of those that have one.
  [[nodiscard]] std::vector<std::string> addresses() const;

  /// Device memory comes back a moment after its process is gone; a trial that starts before would
  /// find less than there is (R8). What was waited is noted.
  void wait_for_release(Trial& trial);

  /// What is in use before: as drivers tell it before there is a holder (a process that lists CUDA
  /// devices already takes memory), then of devices that only ggml knows, as the holder lists them.
  void look_before();
  void look_before(const std::vector<Device>& listed);

  /// A context of its own begins.
  void forget_peaks();
  void note_peaks(const devices::Window& window);
  void note_peaks_now();

  /// What of a map lies in the host's memory: the host's own, and devices that have none.
  [[nodiscard]] std::uint64_t on_host(const MemoryMap& memory) const;

  /// What the trial took; marks it where memory went to the system's.
  void settle(Trial& trial) const;

  /// Of the first device that tells.
  void take_telemetry(const devices::Window& window, Trial& trial);

  /// As link_doubt(), of the last window that was taken.
  [[nodiscard]] const std::optional<std::string>& slow_link() const { return slow_link_; }

 private:
  [[nodiscard]] Reading<std::uint64_t> free_bytes(const devices::Snapshot& snapshot) const;

  Site& site_;
  std::vector<DeviceReport> targets_;
  std::vector<DeviceReport> used_;
  Reading<std::uint64_t> limit_bytes_;
  Reading<std::uint64_t> baseline_free_bytes_;  ///< sum over targets with a driver
  std::optional<std::string> slow_link_;
  std::vector<DeviceUse> uses_;  ///< around the model that is held, by `used_`
};

/// Telemetry of which nothing could be read.
Telemetry absent_telemetry(const Absence& why);

}  // namespace sweetspot::profiler
