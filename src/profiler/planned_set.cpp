#include "profiler/planned_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "devices/machine.hpp"
#include "profiler/libllama_needs.hpp"
#include "profiles/derive.hpp"
#include "profiles/make_set.hpp"

namespace sweetspot::profiler {
namespace {

struct BandRow {
  const char* name;
  double Bands::*percent;
  bool inclusive;
  const char* recommended_for;
};
// Slowest first: what a smaller band holds already, a larger one need not repeat.
constexpr std::array<BandRow, 3> kBandRows = {{
    {"fast", &Bands::fast_percent, false, "a device that others use too: half of it stays free"},
    {"balanced", &Bands::balanced_percent, false, "most moments: room for a browser and a desktop"},
    {"performance", &Bands::performance_percent, true, "a device that nothing else needs"},
}};

/// Where a profile would come from: a cell of a plan's grid.
struct Cell {
  const plan::PlanRecord* record = nullptr;
  std::size_t context = 0;
  int layers = 0;

  [[nodiscard]] const PlannedMemory& memory() const {
    return record->plan.cell(0, context, layers);
  }
};

std::uint64_t need_on(const plan::DeviceBudget& device, const MemoryMap& memory) {
  const DeviceMemory* planned = find_device(memory, device.id);
  if (planned == nullptr || planned->total_bytes() == 0) return 0;
  return planned->total_bytes() + device.share.high_bytes;
}

// Of the fullest device; nothing where llama.cpp refuses or a size is not known.
std::optional<double> percent_of(const Cell& cell) {
  const PlannedMemory& planned = cell.memory();
  const auto& budgets = cell.record->plan.request.budgets;
  if (!planned.problem.empty() || !budgets) return std::nullopt;
  double most = 0;
  for (const plan::DeviceBudget& device : budgets->devices) {
    if (device.total_bytes.value_or(0) == 0) return std::nullopt;
    const auto need = static_cast<double>(need_on(device, planned.memory));
    most = std::max(most, 100 * need / static_cast<double>(*device.total_bytes));
  }
  return most;
}

/// A share of a device; of the bands only the highest includes its end (core/profile.hpp).
struct Limit {
  double percent = 0;
  bool inclusive = false;
};

bool keeps_to(const Cell& cell, const Limit& limit) {
  const auto percent = percent_of(cell);
  return percent && (*percent < limit.percent || (limit.inclusive && *percent == limit.percent));
}

std::size_t wanted_context(const plan::PlanRecord& record) {
  const auto& contexts = record.plan.grid.axes.n_ctx;
  const auto wanted =
      std::find(contexts.begin(), contexts.end(), record.plan.request.base.context.n_ctx);
  return static_cast<std::size_t>(wanted - contexts.begin());
}

// The most layers that keep to the share, 0 where not one does.
int layers_within(const plan::PlanRecord& record, std::size_t context, const Limit& limit) {
  int layers = record.plan.offloadable;
  while (layers > 0 && !keeps_to({&record, context, layers}, limit)) --layers;
  return layers;
}

// The wanted context, or the largest shorter one at which at least one layer fits.
Cell largest_within(const plan::PlanRecord& record, const Limit& limit) {
  const std::size_t wanted = wanted_context(record);
  for (std::size_t context = wanted + 1; context-- > 0;) {
    const int layers = layers_within(record, context, limit);
    if (layers > 0) return {&record, context, layers};
  }
  return {&record, wanted, 0};
}

std::string evidence_of(const plan::PlanRecord& record, bool with_shares) {
  std::string text =
      fmt::format("planned {}, not measured: llama.cpp's own memory map", record.created_at);
  const auto& budgets = record.plan.request.budgets;
  if (!budgets || !with_shares) return text;
  for (const plan::DeviceBudget& device : budgets->devices) {
    text += fmt::format(", driver's share of {} {} ({})", device.id,
                        format_bytes(device.share.high_bytes), device.share.source);
  }
  return text;
}

void take_host_memory(SavedProfile& profile, const plan::PlanRecord& record,
                      const PlannedMemory& planned) {
  profile.checkpoint_bytes = record.plan.checkpoint_bytes;
  if (!planned.problem.empty()) {
    profile.host_bytes = profile.host_mapped_bytes = Absence{planned.problem};
    return;
  }
  const DeviceMemory* host = find_device(planned.memory, kHostDeviceId);
  profile.host_bytes = host != nullptr ? host->private_bytes() : 0;
  profile.host_mapped_bytes = host != nullptr ? host->mapped_bytes : 0;
}

SavedProfile profile_of(const Cell& cell, std::string name, std::string recommended_for) {
  const plan::GridAxes& axes = cell.record->plan.grid.axes;
  const PlannedMemory& planned = cell.memory();
  SavedProfile profile;
  profile.name = std::move(name);
  profile.recommended_for = std::move(recommended_for);
  profile.origin = Origin::planned;
  profile.config = plan::config_at(axes, 0, cell.context, static_cast<std::size_t>(cell.layers));
  profile.config.server = {};  // made to fit when it is chosen, by what is free then
  profile.evidence = evidence_of(*cell.record, /*with_shares=*/true);
  std::vector<DeviceNeed> needs;
  for (const plan::DeviceBudget& device : cell.record->plan.request.budgets->devices) {
    const std::uint64_t bytes = need_on(device, planned.memory);
    if (bytes > 0) needs.push_back({device.id, bytes});
  }
  profile.needs = std::move(needs);
  take_host_memory(profile, *cell.record, planned);
  return profile;
}

SavedProfile on_cpu_alone(const plan::PlanRecord& record) {
  SavedProfile profile;
  profile.name = "cpu_fallback";
  profile.recommended_for = profiles::kForCpuFallback;
  profile.origin = Origin::planned;
  profile.config = record.plan.request.base;
  profile.config.placement = cpu_alone(profile.config.placement);
  profile.config.server = {};
  profile.evidence = evidence_of(record, /*with_shares=*/false);
  profile.needs = std::vector<DeviceNeed>();
  take_host_memory(profile, record, record.plan.cpu_alone);
  return profile;
}

void add_bands(ProfileSet& set, const plan::PlanRecord& record) {
  int layers_before = 0;
  std::uint32_t context_before = 0;
  for (const BandRow& band : kBandRows) {
    const Cell cell = largest_within(record, {set.bands.*band.percent, band.inclusive});
    if (cell.layers == 0) continue;
    const std::uint32_t context = record.plan.grid.axes.n_ctx[cell.context];
    if (cell.layers <= layers_before && context <= context_before) continue;
    layers_before = cell.layers;
    context_before = context;
    set.profiles.insert(set.profiles.begin(), profile_of(cell, band.name, band.recommended_for));
  }
}

void add_experts(ProfileSet& set, const plan::PlanRecord& experts) {
  const Cell all = {&experts, wanted_context(experts), experts.plan.offloadable};
  if (!keeps_to(all, {set.bands.performance_percent, true})) return;
  set.profiles.insert(
      set.profiles.begin(),
      profile_of(all, "experts-on-cpu", "all layers on the device, their experts in host memory"));
}

}  // namespace

bool wants_experts_on_cpu(const plan::PlanRecord& record) {
  if (record.model.n_expert == 0 || !record.plan.request.budgets) return false;
  const Cell all = {&record, wanted_context(record), record.plan.offloadable};
  return !keeps_to(all, {Bands{}.performance_percent, true});
}

ProfileSet planned_set(const plan::PlanRecord& record, const plan::PlanRecord* experts,
                       const ModelKey& model, const Machine& machine,
                       const std::vector<std::string>& rpc) {
  ProfileSet set;
  set.created_at = record.created_at;
  set.origin = Origin::planned;
  set.model = model;
  set.model_name = record.model.name.value_or(model.path.substr(model.path.rfind('/') + 1));
  set.engine = record.engine.program;
  set.fingerprint =
      profiles::fingerprint_of(record.model, record.engine, record.tool_version, machine);
  set.rpc = rpc;
  if (!record.stand_in) {
    set.offloadable_layers = record.plan.offloadable;
    set.devices.reserve(record.targets.size());
    for (const DeviceReport& target : record.targets) {
      set.devices.push_back(profiles::set_device(target));
    }
    add_bands(set, record);
    if (experts != nullptr) add_experts(set, *experts);
  }
  set.profiles.push_back(on_cpu_alone(record));
  return set;
}

Result<ProfileSet> make_planned_set(PlanJob job, const ModelKey& model) {
  const std::vector<std::string> rpc = job.start.rpc;
  const Result<plan::PlanRecord> record = make_plan(job);
  if (!record) return tl::unexpected(record.error());
  const Machine machine = devices::this_machine();
  std::optional<plan::PlanRecord> experts;
  if (wants_experts_on_cpu(*record)) {
    job.base.placement.n_cpu_moe = record->model.n_layer;
    job.contexts = {record->plan.request.base.context.n_ctx};
    Result<plan::PlanRecord> made = make_plan(job);
    if (!made) return tl::unexpected(made.error());
    experts = *std::move(made);
  }
  ProfileSet set = planned_set(*record, experts ? &*experts : nullptr, model, machine, rpc);
  add_libllama_needs(set, job.start, job.model_path);
  return set;
}

}  // namespace sweetspot::profiler
