// A plan with everything needed to read it a year later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/model_info.hpp"
#include "core/run.hpp"
#include "plan/make_plan.hpp"

namespace sweetspot::plan {

struct PlanRecord {
  std::string tool_version;
  std::string created_at;  ///< UTC, ISO 8601
  Engine engine;
  ModelInfo model;
  std::vector<DeviceReport> targets;  ///< the devices planned for
  bool stand_in = false;  ///< no device is here: a CPU behind ggml's RPC stands in for a card
  Plan plan;
  std::uint64_t asked = 0;  ///< configs that llama.cpp itself answered
  std::uint64_t loads = 0;  ///< its passes over the header
  double seconds = 0;
  std::vector<std::string> notices;
};

}  // namespace sweetspot::plan
