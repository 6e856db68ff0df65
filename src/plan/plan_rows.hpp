// A plan as the rows of its document, sweetspot.plan/1 (docs/formats/plan-1.schema.json).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fields.hpp"
#include "core/knobs.hpp"
#include "plan/plan_record.hpp"

namespace sweetspot::plan {

/// What a config puts on one device.
struct DeviceRow {
  std::string id;
  std::uint64_t model_bytes = 0;
  std::uint64_t context_bytes = 0;
  std::uint64_t compute_bytes = 0;
};

void fields(auto& f, Is<DeviceRow> auto& row) {
  f("id", row.id);
  f("model_bytes", row.model_bytes);
  f("context_bytes", row.context_bytes);
  f("compute_bytes", row.compute_bytes);
}

/// A config, the memory it takes and whether that fits. Host memory is told apart: what the file
/// shares with the page cache needs no free memory.
struct ConfigRow {
  Config config;
  std::vector<DeviceRow> devices;  ///< that something lies on
  std::uint64_t host_bytes = 0;
  std::uint64_t host_mapped_bytes = 0;
  std::uint32_t n_ctx_effective = 0;
  std::string problem;
  std::optional<Fit> fit;
};

// The knobs under their own names, but for the layers and for what lies on which device.
void fields(auto& f, Is<ConfigRow> auto& row) {
  const auto of_fit = [&](auto Fit::*member) {
    return row.fit ? std::optional((*row.fit).*member) : std::nullopt;
  };
  f("layers", row.config.placement.n_gpu_layers);
  for (const Knob& knob : knobs()) {
    if (knob.name == "devices") {
      f("devices", row.devices);
    } else if (knob.name != "n_gpu_layers") {
      f.knob(knob, row.config);
    }
  }
  f("host_program", row.config.context.host_program);
  f("n_ctx_effective", row.n_ctx_effective);
  f("host_bytes", row.host_bytes);
  f("host_mapped_bytes", row.host_mapped_bytes);
  f.derived("problem", unless_empty(row.problem));
  f.derived("fits", of_fit(&Fit::fits));
  f.derived("missing_bytes", of_fit(&Fit::missing_bytes));
  f.derived("host_missing_bytes", of_fit(&Fit::host_missing_bytes));
  f.derived("host_reread_bytes", of_fit(&Fit::reread_bytes));
}

/// What llama-server keeps of its own when all its room is taken, with the settings of `wanted`.
struct ServerRow {
  std::optional<std::uint64_t> prompt_cache_bytes;  ///< empty where nothing limits it
  Reading<std::uint64_t> checkpoint_bytes;
  Reading<std::uint64_t> checkpoints_bytes;
  Reading<std::uint64_t> room_bytes;
};

void fields(auto& f, Is<ServerRow> auto& row) {
  f("prompt_cache_bytes", row.prompt_cache_bytes);
  f("checkpoint_bytes", row.checkpoint_bytes);
  f("checkpoints_bytes", row.checkpoints_bytes);
  f("room_bytes", row.room_bytes);
}

/// The answer to one column of the grid.
struct LargestRow {
  CacheTypes types;
  std::uint32_t n_ctx = 0;
  std::optional<int> layers;
};

void fields(auto& f, Is<LargestRow> auto& row) {
  f("type_k", row.types.k);
  f("type_v", row.types.v);
  f("n_ctx", row.n_ctx);
  f("layers", row.layers);
}

ConfigRow wanted_row(const Plan& plan);
ConfigRow cpu_alone_row(const Plan& plan);
std::vector<ConfigRow> config_rows(const Plan& plan);  ///< in the grid's order
std::optional<ServerRow> server_row(const Plan& plan);
std::vector<LargestRow> largest_rows(const Plan& plan);

void fields(auto& f, Is<PlanRecord> auto& record) {
  auto& plan = record.plan;
  f.constant("schema", "sweetspot.plan/1");
  f.group("tool", [&](auto& tool) {
    tool.constant("name", "sweetspot");
    tool("version", record.tool_version);
  });
  f("created_at", record.created_at);
  f("engine", record.engine);
  f("model", record.model);
  f("devices", record.targets);
  f("stand_in", record.stand_in);
  f("budgets", plan.request.budgets);
  f.derived("wanted", wanted_row(plan));
  f.derived("cpu_alone", cpu_alone_row(plan));
  f.derived("configs", config_rows(plan));
  f.derived("server", server_row(plan));
  f.group("answers", [&](auto& answers) {
    answers.derived("largest_layers", largest_rows(plan));
    answers("largest_n_ctx", plan.largest_context);
  });
  f("changes", plan.changes);
  f("recommended", plan.recommended);
  f("classes", plan.classes);
  f.group("oracle", [&](auto& oracle) {
    oracle("asked", record.asked);
    oracle("loads", record.loads);
    oracle("seconds", record.seconds);
  });
  f("notices", record.notices);
}

}  // namespace sweetspot::plan
