// The machine as it is now, looked at again and again: ggml's devices are asked for once, their
// drivers every time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/connection.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "devices/sampler.hpp"

namespace sweetspot::cli {

class LiveView {
 public:
  /// Reads drivers in the background from now on and asks a worker for ggml's devices, RPC servers
  /// among them, unless a device sleeps and `may_wake` is false (R23): `notes` say so.
  LiveView(const Environment& environment, const ConnectionOptions& connection, bool may_wake,
           std::chrono::milliseconds interval = std::chrono::milliseconds(500));

  /// The machine at this moment. The first call says what was there before ggml was asked, since a
  /// worker that only lists its devices already takes memory, and trusts what ggml said; later ones
  /// only what drivers say, since ggml's figures do not change.
  LiveMachine now();

  /// Waits for a look that begins now: after a program ended, before the next one starts.
  void refresh();

  /// What the drivers said last.
  [[nodiscard]] std::vector<DeviceStatus> statuses() const;

  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }

  /// Why llama.cpp could not be asked: no worker (internal), an RPC server that cannot be reached
  /// (device), Ctrl-C. Only drivers tell then.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  Status ask_ggml(const Environment& environment, const ConnectionOptions& connection);

  std::vector<std::string> rpc_;
  devices::Sampler sampler_;
  devices::Snapshot first_;
  std::vector<Device> devices_;
  bool asked_ = false;   // a worker told of ggml's devices
  bool looked_ = false;  // once
  std::string llama_cpp_;
  std::vector<std::string> notes_;
  std::optional<Error> problem_;
};

}  // namespace sweetspot::cli
