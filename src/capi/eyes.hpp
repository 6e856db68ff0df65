// The machine as it is, read by the caller's thread or by one of ours.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "devices/pci.hpp"
#include "devices/sampler.hpp"
#include "devices/sources.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::capi {

struct EyesOptions {
  bool telemetry = false;
  bool wake = false;
  std::chrono::milliseconds interval{250};
  std::chrono::milliseconds deadline{250};
};

/// What was seen at one moment.
struct Seen {
  std::vector<DeviceStatus> statuses;
  std::vector<std::string> notes;
  LiveMachine live;
};

/// Thread safe. Without telemetry drivers are read under a lock, one caller at a time.
class Eyes {
 public:
  explicit Eyes(const EyesOptions& options);
  Eyes(const Eyes&) = delete;
  Eyes& operator=(const Eyes&) = delete;
  ~Eyes();

  Seen look();

 private:
  void ask_drivers(Seen& seen);
  void ask_sampler(Seen& seen);
  [[nodiscard]] std::vector<devices::PciDevice> cards() const;

  const EyesOptions options_;
  const kernel::FileTree tree_;
  const std::vector<devices::PciDevice> cards_;  // which are here is read once
  Machine machine_;                              // as it does not change
  std::mutex mutex_;                             // guards sources_
  std::optional<devices::Sources> sources_;
  std::unique_ptr<devices::Sampler> sampler_;
};

}  // namespace sweetspot::capi
