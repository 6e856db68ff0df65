// Samples every source in the background and answers without ever waiting for a driver (R22).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/trial.hpp"
#include "devices/telemetry.hpp"

namespace sweetspot::devices {

struct SamplerOptions {
  std::chrono::milliseconds interval{100};
  int stale_after_intervals = 10;  ///< an older sample is not shown any more
  /// Longest share of time spent reading: slower drivers are asked less often, down to once in 10
  /// intervals.
  double max_duty = 0.05;
  std::chrono::milliseconds stop_deadline{
      250};  ///< how long the destructor waits for a driver call
};

/// What all sources said at one moment.
struct Snapshot {
  double at_ms = 0;    ///< steady clock, when reading began; 0 = never read
  bool stale = false;  ///< too old: every metric of `devices` is absent for that reason
  std::vector<DeviceStatus> devices;
  std::vector<std::string> notes;  ///< why a source is missing
  CardAbilities abilities = {};

  /// The device of that address, or nullptr.
  [[nodiscard]] const DeviceStatus* find(const std::string& pci_bus_id) const;
};

/// What one sample says of memory and power.
struct SamplePoint {
  double at_ms = 0;  ///< as Snapshot::at_ms
  Reading<std::uint64_t> memory_used_bytes;
  Reading<std::uint64_t> energy_mj;
  Reading<double> power_w;
  std::string power_source;  ///< as DeviceStatus::power_source
};

/// A card that works for this share of the time or more, percent, has no reason to lower its clocks
/// or its link.
inline constexpr double kBusyPercent = 50;

/// What one device did while something ran.
struct DeviceWindow {
  Telemetry telemetry;
  double observed_ms = 0;  ///< from the first sample to the last
  Reading<std::uint64_t> memory_total_bytes;
  Reading<std::uint64_t> memory_used_max_bytes;
  Reading<std::uint64_t> memory_free_min_bytes;
  Reading<std::uint64_t> spilled_max_bytes;
  Reading<std::vector<ProcessUse>> processes;  ///< mean share of each that worked
  /// PCIe, the highest while the device was busy: at rest a card lowers it.
  Reading<double> pcie_generation = Absence{"no sample was taken while it was busy"};
  Reading<double> pcie_generation_max = Absence{"no sample was taken while it was busy"};
  std::vector<SamplePoint> points = {};  ///< one per sample, oldest first
};

using Window = std::map<std::string, DeviceWindow>;  ///< by PCI id

/// Summary of samples, oldest first. A metric that no sample has is absent with the last sample's
/// reason.
Window aggregate(const std::vector<Snapshot>& samples);

/// The steady clock in milliseconds, as in Snapshot::at_ms.
double steady_now_ms();

/// Thread safe. All calls but fresh() return at once, whatever the drivers do. One background
/// thread, made by start(), opens the sources and reads them; when it hangs in a driver past the
/// stop deadline it is left behind with its own state and ends by itself.
class Sampler {
 public:
  explicit Sampler(SourceFactory open, SamplerOptions options = {});
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Starts the thread; again does nothing.
  void start();

  /// Opens a window, dropping one that is open, and asks for a sample now.
  void begin();

  /// Closes the window: what the devices did in it. Devices without a sample in the window are
  /// there with the reason. Empty where begin() was not called or there is no device.
  Window end();

  /// The newest sample there is.
  [[nodiscard]] Snapshot latest() const;

  /// A sample that began after this call; waits for it until the deadline, then as latest().
  Snapshot fresh(std::chrono::milliseconds deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sweetspot::devices
