// A plan as a page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.hpp"
#include "core/model_info.hpp"
#include "page/figure.hpp"

namespace sweetspot::page {

/// Of a config in a plan what the page shows.
struct PlannedDevice {
  std::string id;
  std::uint64_t model_bytes = 0;
  std::uint64_t context_bytes = 0;
  std::uint64_t compute_bytes = 0;
};

void fields(auto& f, Is<PlannedDevice> auto& device) {
  f("id", device.id);
  f("model_bytes", device.model_bytes, kPlausibleBytes);
  f("context_bytes", device.context_bytes, kPlausibleBytes);
  f("compute_bytes", device.compute_bytes, kPlausibleBytes);
}

struct PlannedConfig {
  int layers = 0;
  std::uint32_t n_ctx = 0;
  std::string type_k;
  std::string type_v;
  std::vector<PlannedDevice> devices;
  std::uint64_t host_bytes = 0;
  std::optional<bool> fits;  ///< empty where no budget was known
};

void fields(auto& f, Is<PlannedConfig> auto& config) {
  f("layers", config.layers);
  f("n_ctx", config.n_ctx);
  f("type_k", config.type_k);
  f("type_v", config.type_v);
  f("devices", config.devices);
  f("host_bytes", config.host_bytes);
  f("fits", config.fits);
}

/// Of sweetspot.plan/1 (docs/formats/plan-1.md) what the page shows: a plan is made to be read by
/// other programs, and nothing here reads all of it back.
struct PlanDocument {
  std::string tool_version;
  std::string created_at;
  ModelInfo model;
  PlannedConfig wanted;
  std::vector<PlannedConfig> configs;
  std::vector<std::string> notices;
};

void fields(auto& f, Is<PlanDocument> auto& plan) {
  f.constant("schema", "sweetspot.plan/1");
  f.group("tool", [&](auto& tool) { tool("version", plan.tool_version); });
  f("created_at", plan.created_at);
  f("model", plan.model);
  f("wanted", plan.wanted);
  f("configs", plan.configs);
  f("notices", plan.notices);
}

Page page_of(const PlanDocument& plan);

}  // namespace sweetspot::page
