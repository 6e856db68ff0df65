// The machine as it is now, looked at again and again: what drivers say, and what the kernel says
// of cards that no driver knows. Read by the caller's thread or by one of ours.
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
#include "devices/telemetry.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

struct ViewOptions {
  bool in_background = false;  ///< a thread of ours reads the drivers, and looks wait for none
  bool wake = false;           ///< devices that sleep are read too
  std::chrono::milliseconds interval{250};  ///< between two readings in the background
  /// That a look waits for drivers: in the background only where they have not answered yet,
  /// otherwise before each further one is asked.
  std::chrono::milliseconds deadline{250};
};

/// What was seen at one moment.
struct Seen {
  std::vector<DeviceStatus> statuses;
  std::vector<PciDevice> cards;
  Machine machine;
  std::vector<std::string> notes;  ///< why a driver tells nothing
};

/// What was seen as choosing looks at it; llama_cpp, rpc and model stay unknown. Without ggml as
/// live_machine() of statuses and cards, with the devices that ggml listed as that of reports.
LiveMachine live_machine(const Seen& seen);
LiveMachine live_machine(const Seen& seen, const std::vector<Device>& of_ggml);

/// Thread safe. Without a thread of its own drivers are read under a lock, one caller at a time.
class MachineView {
 public:
  /// Of this machine, with all its drivers.
  explicit MachineView(const ViewOptions& options);
  MachineView(const ViewOptions& options, SourceFactory open, kernel::FileTree tree,
              const std::vector<std::string>& environment = {});
  MachineView(const MachineView&) = delete;
  MachineView& operator=(const MachineView&) = delete;
  ~MachineView();

  Seen look();

  /// A look at readings that begin after this call; in the background it waits for them until the
  /// deadline, then it is as look().
  Seen look_afresh(std::chrono::milliseconds deadline);

 private:
  Seen ask_drivers();
  [[nodiscard]] Seen with_machine(Seen seen) const;

  const ViewOptions options_;
  const SourceFactory open_;
  const kernel::FileTree tree_;
  const std::vector<PciDevice> cards_;  // which are here is read once
  const Machine machine_;               // as it does not change
  std::mutex mutex_;                    // guards sources_
  std::optional<Sources> sources_;
  std::unique_ptr<Sampler> sampler_;
};

}  // namespace sweetspot::devices
