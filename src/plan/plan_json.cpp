#include "plan/plan_json.hpp"

#include "core/no_device.hpp"
#include "core/server_memory.hpp"

namespace sweetspot::plan {
namespace {

using sweetspot::to_json;

// Host memory is told apart: what the file shares with the page cache needs no free memory.
void put_memory(Json& json, const PlannedMemory& planned) {
  Json devices = Json::array();
  for (const DeviceMemory& device : planned.memory) {
    if (device.id == kHostDeviceId || device.total_bytes() == 0) continue;
    devices.push_back({{"id", device.id},
                       {"model_bytes", device.model_bytes},
                       {"context_bytes", device.context_bytes},
                       {"compute_bytes", device.compute_bytes}});
  }
  const DeviceMemory* host = find_device(planned.memory, kHostDeviceId);
  json["devices"] = std::move(devices);
  json["host_bytes"] = host != nullptr ? host->total_bytes() : 0;
  json["host_mapped_bytes"] = host != nullptr ? host->mapped_bytes : 0;
  json["problem"] = planned.problem.empty() ? Json(nullptr) : Json(planned.problem);
}

void put_fit(Json& json, const std::optional<Fit>& fit) {
  json["fits"] = fit ? Json(fit->fits) : Json(nullptr);
  json["missing_bytes"] = fit ? Json(fit->missing_bytes) : Json(nullptr);
  json["host_missing_bytes"] = fit ? Json(fit->host_missing_bytes) : Json(nullptr);
  json["host_reread_bytes"] = fit ? Json(fit->reread_bytes) : Json(nullptr);
}

Json config_json(const Config& config, const PlannedMemory& planned,
                 const std::optional<Fit>& fit) {
  Json json = to_json(config);
  json.erase("n_gpu_layers");
  Json out = {{"layers", config.placement.n_gpu_layers}};
  out.update(json);
  out["n_ctx_effective"] = planned.n_ctx;
  put_memory(out, planned);
  put_fit(out, fit);
  return out;
}

Config on_cpu_alone(Config config) {
  config.placement = cpu_alone(config.placement);
  return config;
}

Json configs_json(const Plan& plan) {
  Json configs = Json::array();
  const GridAxes& axes = plan.grid.axes;
  std::size_t cell = 0;
  for (std::size_t t = 0; t < axes.cache_types.size(); ++t) {
    for (std::size_t c = 0; c < axes.n_ctx.size(); ++c) {
      for (std::size_t l = 0; l < axes.layers.size(); ++l, ++cell) {
        const auto fit = plan.fits.empty() ? std::optional<Fit>() : std::optional(plan.fits[cell]);
        configs.push_back(config_json(config_at(axes, t, c, l), plan.grid.cells[cell], fit));
      }
    }
  }
  return configs;
}

Json budgets_json(const std::optional<Budgets>& budgets) {
  if (!budgets) return nullptr;
  Json devices = Json::array();
  for (const DeviceBudget& device : budgets->devices) {
    Json json = {{"id", device.id},
                 {"budget_bytes", device.budget_bytes},
                 {"limited_by", device.limited_by},
                 {"driver_share",
                  {{"low_bytes", device.share.low_bytes},
                   {"high_bytes", device.share.high_bytes},
                   {"measured", device.share.measured},
                   {"source", device.share.source}}}};
    put(json, "total_bytes", device.total_bytes);
    put(json, "free_bytes", device.free_bytes);
    devices.push_back(std::move(json));
  }
  Json out = {{"devices", std::move(devices)},
              {"host_reserve_bytes", budgets->host.reserve_bytes},
              {"host_source", budgets->host.source}};
  put(out, "host_available_bytes", budgets->host.available_bytes);
  return out;
}

// What llama-server keeps of its own when all its room is taken, with the settings of `wanted`.
Json server_json(const Plan& plan) {
  const Config& base = plan.request.base;
  const bool is_server = base.context.host_program == HostProgram::llama_server;
  if (!plan.request.budgets || !is_server) return nullptr;
  const bool limited = base.server.cache_ram_mib >= 0;
  Json out = {
      {"prompt_cache_bytes", limited ? Json(prompt_cache_bytes(base.server)) : Json(nullptr)}};
  Reading<std::uint64_t> all = plan.checkpoint_bytes;
  if (all) all = checkpoints_bytes(base, *all);
  put(out, "checkpoint_bytes", plan.checkpoint_bytes);
  put(out, "checkpoints_bytes", all);
  put(out, "room_bytes", plan.server_room_bytes);
  return out;
}

Json answers_json(const Plan& plan) {
  Json largest = Json::array();
  const std::size_t columns = plan.grid.axes.n_ctx.size();
  for (std::size_t i = 0; i < plan.largest_layers.size(); ++i) {
    const CacheTypes& types = plan.grid.axes.cache_types[i / columns];
    const auto& layers = plan.largest_layers[i];
    largest.push_back({{"type_k", types.k},
                       {"type_v", types.v},
                       {"n_ctx", plan.grid.axes.n_ctx[i % columns]},
                       {"layers", layers ? Json(*layers) : Json(nullptr)}});
  }
  return {{"largest_layers", std::move(largest)},
          {"largest_n_ctx", plan.largest_context ? Json(*plan.largest_context) : Json(nullptr)}};
}

Json changes_json(const std::vector<Change>& changes) {
  Json out = Json::array();
  for (const Change& change : changes) {
    out.push_back({{"kind", to_string(change.kind)},
                   {"config", to_json(change.config)},
                   {"freed_bytes", change.freed_bytes},
                   {"to_host_bytes", change.to_host_bytes},
                   {"host_bytes_per_token", change.host_bytes_per_token}});
  }
  return out;
}

Json classes_json(const std::vector<ClassFit>& classes) {
  const auto layers = [](int count) { return count < 0 ? Json(nullptr) : Json(count); };
  Json out = Json::array();
  for (const ClassFit& each : classes) {
    out.push_back({{"vram_gib", each.class_gib},
                   {"fast_layers", layers(each.fast_layers)},
                   {"balanced_layers", layers(each.balanced_layers)},
                   {"performance_layers", layers(each.performance_layers)},
                   {"all_layers_n_ctx", each.all_layers_n_ctx}});
  }
  return out;
}

}  // namespace

Json to_json(const PlanRecord& record) {
  const Plan& plan = record.plan;
  Json devices = Json::array();
  for (const DeviceReport& target : record.targets) devices.push_back(to_json(target));
  return {
      {"schema", "sweetspot.plan/1"},
      {"tool", {{"name", "sweetspot"}, {"version", record.tool_version}}},
      {"created_at", record.created_at},
      {"engine", to_json(record.engine)},
      {"model", to_json(record.model)},
      {"devices", std::move(devices)},
      {"stand_in", record.stand_in},
      {"budgets", budgets_json(plan.request.budgets)},
      {"wanted", config_json(plan.request.base, plan.wanted, plan.fit)},
      {"cpu_alone",
       config_json(on_cpu_alone(plan.request.base), plan.cpu_alone, plan.cpu_alone_fit)},
      {"configs", configs_json(plan)},
      {"server", server_json(plan)},
      {"answers", answers_json(plan)},
      {"changes", changes_json(plan.changes)},
      {"recommended", plan.recommended ? to_json(*plan.recommended) : Json(nullptr)},
      {"classes", classes_json(plan.classes)},
      {"oracle", {{"asked", record.asked}, {"loads", record.loads}, {"seconds", record.seconds}}},
      {"notices", record.notices}};
}

}  // namespace sweetspot::plan
