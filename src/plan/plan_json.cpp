#include "plan/plan_json.hpp"

#include "core/json_writer.hpp"
#include "core/no_device.hpp"
#include "core/server_memory.hpp"
#include "plan/plan_rows.hpp"

namespace sweetspot::plan {
namespace {

ConfigRow row_of(const Config& config, const PlannedMemory& planned,
                 const std::optional<Fit>& fit) {
  ConfigRow row;
  row.config = config;
  for (const DeviceMemory& device : planned.memory) {
    if (device.id == kHostDeviceId || device.total_bytes() == 0) continue;
    row.devices.push_back(
        {device.id, device.model_bytes, device.context_bytes, device.compute_bytes});
  }
  if (const DeviceMemory* host = find_device(planned.memory, kHostDeviceId)) {
    row.host_bytes = host->total_bytes();
    row.host_mapped_bytes = host->mapped_bytes;
  }
  row.n_ctx_effective = planned.n_ctx;
  row.problem = planned.problem;
  row.fit = fit;
  return row;
}

}  // namespace

ConfigRow wanted_row(const Plan& plan) { return row_of(plan.request.base, plan.wanted, plan.fit); }

ConfigRow cpu_alone_row(const Plan& plan) {
  Config config = plan.request.base;
  config.placement = cpu_alone(config.placement);
  return row_of(config, plan.cpu_alone, plan.cpu_alone_fit);
}

std::vector<ConfigRow> config_rows(const Plan& plan) {
  std::vector<ConfigRow> rows;
  const GridAxes& axes = plan.grid.axes;
  std::size_t cell = 0;
  for (std::size_t t = 0; t < axes.cache_types.size(); ++t) {
    for (std::size_t c = 0; c < axes.n_ctx.size(); ++c) {
      for (std::size_t l = 0; l < axes.layers.size(); ++l, ++cell) {
        const auto fit = plan.fits.empty() ? std::optional<Fit>() : std::optional(plan.fits[cell]);
        rows.push_back(row_of(config_at(axes, t, c, l), plan.grid.cells[cell], fit));
      }
    }
  }
  return rows;
}

std::optional<ServerRow> server_row(const Plan& plan) {
  const Config& base = plan.request.base;
  const bool is_server = base.context.host_program == HostProgram::llama_server;
  if (!plan.request.budgets || !is_server) return std::nullopt;
  ServerRow row;
  if (base.server.cache_ram_mib >= 0) row.prompt_cache_bytes = prompt_cache_bytes(base.server);
  row.checkpoint_bytes = row.checkpoints_bytes = plan.checkpoint_bytes;
  if (plan.checkpoint_bytes)
    row.checkpoints_bytes = checkpoints_bytes(base, *plan.checkpoint_bytes);
  row.room_bytes = plan.server_room_bytes;
  return row;
}

std::vector<LargestRow> largest_rows(const Plan& plan) {
  std::vector<LargestRow> rows;
  const GridAxes& axes = plan.grid.axes;
  for (std::size_t i = 0; i < plan.largest_layers.size(); ++i) {
    rows.push_back({axes.cache_types[i / axes.n_ctx.size()], axes.n_ctx[i % axes.n_ctx.size()],
                    plan.largest_layers[i]});
  }
  return rows;
}

Json to_json(const PlanRecord& record) { return json_of(record); }

}  // namespace sweetspot::plan
