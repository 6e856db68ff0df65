// A device where there is none: this machine's CPU behind ggml's RPC, on loopback.
#pragma once

#include <string>
#include <utility>

#include "core/error.hpp"
#include "engine/worker.hpp"

namespace sweetspot::engine {

/// Serves until it is destroyed. Nothing is measured on it; it gives llama.cpp a device to plan
/// for.
class StandIn {
 public:
  /// Only sweetspot's own worker serves devices.
  static bool can_start(const StartOptions& options);

  /// Errors of kind device where no port could be served, or nobody is there who serves.
  static Result<StandIn> start(const StartOptions& options);

  /// "127.0.0.1:50123"
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  StandIn(Worker worker, std::string endpoint)
      : worker_(std::move(worker)), endpoint_(std::move(endpoint)) {}

  Worker worker_;
  std::string endpoint_;
};

}  // namespace sweetspot::engine
