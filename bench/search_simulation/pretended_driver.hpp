// The driver of a pretended device: what it says of memory, heat and clocks while a session works.
#pragma once

#include <cstdint>
#include <vector>

#include "core/device.hpp"
#include "devices/sampler.hpp"
#include "machine/machine.hpp"
#include "machine/session.hpp"

namespace sweetspot::simulation {

/// Not thread safe. The references must outlive it.
class PretendedDriver {
 public:
  /// `present` false: nobody tells anything of the device.
  PretendedDriver(const fake::Machine& machine, fake::Session& session, bool present)
      : machine_(machine), session_(session), present_(present) {}

  /// As a worker lists the devices.
  [[nodiscard]] std::vector<Device> devices() const;

  devices::Snapshot look();
  void begin_window();
  devices::Window end_window();

  /// Bytes of the device that are ours now.
  void take(std::uint64_t bytes) { ours_ = bytes; }

  /// Time has passed since the last call: what throttled meanwhile is counted.
  void count();

 private:
  [[nodiscard]] bool throttles() const { return session_.conditions().device_slowdown > 1; }
  [[nodiscard]] double celsius() const;

  const fake::Machine& machine_;
  fake::Session& session_;
  bool present_;
  std::uint64_t ours_ = 0;
  double counted_to_seconds_ = 0;
  bool throttled_ = false;
  double throttled_seconds_ = 0;
  std::vector<devices::Snapshot> window_;
};

}  // namespace sweetspot::simulation
