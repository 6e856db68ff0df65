// The driver of a pretended device: what it says of memory, heat and clocks while a session works.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/device.hpp"
#include "devices/sampler.hpp"
#include "machine/machine.hpp"
#include "machine/session.hpp"

namespace sweetspot::simulation {

/// Bytes.
struct Held {
  std::uint64_t device = 0;
  std::uint64_t host = 0;
};

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

  /// What `holder` holds now.
  void take(const void* holder, const Held& held) { held_[holder] = held; }

  /// What all others hold.
  [[nodiscard]] Held held_beside(const void* holder) const;

  /// Time has passed since the last call: what throttled meanwhile is counted.
  void count();

 private:
  [[nodiscard]] bool throttles() const { return session_.conditions().device_slowdown > 1; }
  [[nodiscard]] double celsius() const;

  const fake::Machine& machine_;
  fake::Session& session_;
  bool present_;
  std::map<const void*, Held> held_;
  double counted_to_seconds_ = 0;
  bool throttled_ = false;
  double throttled_seconds_ = 0;
  std::vector<devices::Snapshot> window_;
};

}  // namespace sweetspot::simulation
