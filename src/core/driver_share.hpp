// What a device itself takes beyond llama.cpp's buffers, as it was measured here.
#pragma once

#include <cstdint>
#include <string>

#include "core/fields.hpp"

namespace sweetspot {

/// One measurement, kept with all that it depends on: another driver, backend or llama.cpp needs
/// another one.
struct MeasuredShare {
  std::string device;   ///< the device's name and PCI address
  std::string backend;  ///< ggml's registry name
  std::string driver;   ///< who answered and its version: "nvml 550.54"
  std::string engine;   ///< llama.cpp's version and build
  std::uint64_t low_bytes = 0;
  std::uint64_t high_bytes = 0;
  std::string measured_at;  ///< UTC, ISO 8601

  /// Whether the other one was measured under the same conditions.
  [[nodiscard]] bool same_conditions(const MeasuredShare& other) const {
    return device == other.device && backend == other.backend && driver == other.driver &&
           engine == other.engine;
  }
};

void fields(auto& f, Is<MeasuredShare> auto& share) {
  f("device", share.device);
  f("backend", share.backend);
  f("driver", share.driver);
  f("engine", share.engine);
  f("low_bytes", share.low_bytes);
  f("high_bytes", share.high_bytes);
  f("measured_at", share.measured_at);
}

}  // namespace sweetspot
