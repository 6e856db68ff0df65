// A model and a machine that have been looked at.
#pragma once

#include <vector>

#include "core/device.hpp"
#include "core/no_device.hpp"
#include "core/run.hpp"
#include "devices/sampler.hpp"
#include "profiler/request.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::profiler {

struct Prepared {
  Request request;                     ///< settled against the model
  Run run;                             ///< everything known before the first trial
  std::vector<DeviceReport> targets;   ///< that layers go to
  devices::Snapshot baseline;          ///< before anything was started
  protocol::Abilities abilities = {};  ///< of the worker

  [[nodiscard]] int offloadable() const {
    return targets.empty() ? 0 : run.model.offloadable_layers();
  }
  /// Beside the devices, even of 0 layers.
  [[nodiscard]] Config with_layers(int layers) const {
    Config config = request.base;
    config.placement.n_gpu_layers = layers;
    return config;
  }
  [[nodiscard]] Config on_cpu_alone() const {
    Config config = request.base;
    config.placement = cpu_alone(config.placement);
    return config;
  }
};

}  // namespace sweetspot::profiler
