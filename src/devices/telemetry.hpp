// What every vendor's file offers: one look at the devices its driver knows.
//
// Telemetry must never hurt what it watches (R22): a source may block for as long as its driver
// does, so only the sampler's thread calls it. Nobody here makes a CUDA context.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.hpp"

namespace sweetspot::devices {

/// Reasons that other code acts on. Everything else is for people.
inline constexpr std::string_view kAsleepReason = "asleep: reading it would wake the device";
inline constexpr std::string_view kLostReason =
    "the GPU is lost: it has fallen off the bus or cannot be reached any more";
inline constexpr std::string_view kUnifiedPrefix = "unified memory";

/// What a card could do, to hold what it does against. No file keeps it.
struct CardAbility {
  Reading<double> power_limit_default_w = Absence{"not asked"};  ///< as the card was sold
  Reading<double> pcie_generation =
      Absence{"not asked"};  ///< of its link, now: at rest it is lower
  Reading<double> pcie_generation_max = Absence{"not asked"};  ///< that card and board both have
};

using CardAbilities = std::map<std::string, CardAbility>;  ///< by PCI id

/// One driver interface, opened once and kept. Not thread safe: one thread at a time.
class StatusSource {
 public:
  StatusSource() = default;
  StatusSource(const StatusSource&) = delete;
  StatusSource& operator=(const StatusSource&) = delete;
  virtual ~StatusSource() = default;

  /// "nvml", "amdgpu".
  [[nodiscard]] virtual std::string_view name() const = 0;

  /// Every device this driver knows. May block as long as the driver does; never throws. A device
  /// that sleeps is listed with every metric absent for kAsleepReason, and is not touched (R23). A
  /// device that was lost is listed with kLostReason and never asked again.
  virtual std::vector<DeviceStatus> read() = 0;

  /// As of the last read(); nothing of cards whose driver tells none of it.
  [[nodiscard]] virtual CardAbilities abilities() const { return {}; }
};

/// The sources of this machine, and why others are not among them.
struct Sources {
  std::vector<std::unique_ptr<StatusSource>> list;
  std::vector<std::string> notes;  ///< "nvml: libnvidia-ml.so.1 is not installed"
};

/// Opens the sources. Runs on the thread that will read them, since opening can block too.
using SourceFactory = std::function<Sources()>;

/// True where the status was not read because the device sleeps.
bool is_asleep(const DeviceStatus& status);

/// True where the driver said that the device is gone.
bool is_lost(const DeviceStatus& status);

/// Makes every metric absent for `reason`; identity (PCI id, name, uuid, driver) stays.
void make_absent(DeviceStatus& status, std::string_view reason);

}  // namespace sweetspot::devices
