// The machine as choosing and launching see it: ggml's devices are asked for once, their drivers
// every time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/connection.hpp"
#include "app/workplace.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "devices/machine_view.hpp"

namespace sweetspot::app {

class LiveView {
 public:
  /// Reads drivers in the background from now on and asks a worker for ggml's devices, RPC servers
  /// among them, unless a device sleeps and `may_wake` is false: `notes` say so.
  LiveView(const Workplace& workplace, const Connection& connection, bool may_wake,
           std::chrono::milliseconds interval = std::chrono::milliseconds(500));

  /// The machine at this moment. The first call says what was there before ggml was asked, since a
  /// worker that only lists its devices already takes memory, and trusts what ggml said; later ones
  /// only what drivers say, since ggml's figures do not change.
  LiveMachine now();

  /// Waits for a look that begins now: after a program ended, before the next one starts.
  void refresh();

  /// What the drivers said last.
  [[nodiscard]] std::vector<DeviceStatus> statuses();

  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

  /// Why llama.cpp could not be asked: no worker (internal), an RPC server that cannot be reached
  /// (device), Ctrl-C. Only drivers tell then.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  void ask_ggml(const Workplace& workplace, const Connection& connection);

  std::vector<std::string> rpc_;
  devices::MachineView view_;
  std::optional<devices::Seen> first_;       // until it was told
  std::optional<std::vector<Device>> ggml_;  // nothing where no worker told of its devices
  std::string llama_cpp_;
  std::vector<std::string> notes_;
  std::optional<Error> problem_;
};

}  // namespace sweetspot::app
