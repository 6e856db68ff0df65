// The CPU alone: a model that is loaded without any device, as llama.cpp's `--device none` does. It
// is another config than 0 layers beside a device, which puts buffers there and reads prompts
// there.
#pragma once

#include <string>
#include <string_view>

#include "core/config.hpp"

namespace sweetspot {

/// The one entry of Placement::devices that means none of them.
inline constexpr std::string_view kNoDevice = "none";

/// How the CPU alone is called where its layers would say too little.
inline constexpr const char* kCpuAloneTitle = "the CPU alone";

/// Nothing of it lies on a device, and none computes.
inline bool uses_no_device(const Placement& placement) {
  return placement.devices.size() == 1 && placement.devices.front() == kNoDevice;
}

/// The same model on the CPU alone: how it is loaded stays, what speaks of devices does not.
inline Placement cpu_alone(const Placement& placement) {
  Placement alone;
  alone.n_gpu_layers = 0;
  alone.devices = {std::string(kNoDevice)};
  alone.load_mode = placement.load_mode;
  return alone;
}

}  // namespace sweetspot
