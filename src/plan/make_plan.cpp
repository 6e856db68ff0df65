#include "plan/make_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/no_device.hpp"
#include "core/server_memory.hpp"
#include "ground/bytes.hpp"
#include "plan/checkpoint.hpp"

namespace sweetspot::plan {
namespace {

constexpr std::uint32_t kSmallestColumn = 2048;
constexpr std::uint32_t kLargestColumn = 131072;

Status check_size(std::uint32_t n_ctx, const char* flag) {
  if (n_ctx <= kLargestContext) return {};
  return error(ErrorKind::usage,
               fmt::format("{} {} is longer than any context that can be planned", flag, n_ctx),
               fmt::format("give at most {}", kLargestContext));
}

Status check_request(const PlanRequest& request) {
  const ContextSettings& context = request.base.context;
  if (auto possible = check_size(context.n_ctx, "--ctx-size"); !possible) return possible;
  for (const std::uint32_t n_ctx : request.contexts) {
    if (auto possible = check_size(n_ctx, "--contexts"); !possible) return possible;
  }
  if (context.n_parallel > context.n_ctx) {
    return error(ErrorKind::usage,
                 fmt::format("--parallel {} is more than the {} tokens of --ctx-size",
                             context.n_parallel, context.n_ctx),
                 "each sequence needs at least one token; lower --parallel or raise --ctx-size");
  }
  return {};
}

GridAxes axes_of(const PlanRequest& request, int offloadable) {
  GridAxes axes;
  axes.base = request.base;
  axes.layers.resize(static_cast<std::size_t>(offloadable) + 1);
  std::iota(axes.layers.begin(), axes.layers.end(), 0);
  axes.n_ctx = request.contexts;
  axes.cache_types = request.cache_types;
  return axes;
}

void fill_defaults(PlanRequest& request, const ModelInfo& model) {
  const auto trained = static_cast<std::uint32_t>(std::max(model.n_ctx_train, 0));
  if (request.contexts.empty()) {
    request.contexts = usual_contexts(trained, request.base.context.n_ctx);
  }
  std::sort(request.contexts.begin(), request.contexts.end());
  const auto last = std::unique(request.contexts.begin(), request.contexts.end());
  request.contexts.erase(last, request.contexts.end());
  if (request.cache_types.empty()) {
    request.cache_types = {{request.base.context.type_k, request.base.context.type_v}};
  }
  Placement& placement = request.base.placement;
  if (uses_no_device(placement)) placement = cpu_alone(placement);
  placement.n_gpu_layers = effective_layers(placement.n_gpu_layers, model.offloadable_layers());
}

Result<void> ask_wanted(Plan& plan, const MapSource& source) {
  Config alone = plan.request.base;
  alone.placement = cpu_alone(alone.placement);
  auto answers = source({plan.request.base, alone});
  if (!answers) return tl::unexpected(answers.error());
  plan.wanted = std::move(answers->front());
  plan.cpu_alone = std::move(answers->back());
  if (plan.wanted.problem.empty()) return {};
  return error(ErrorKind::usage, "llama.cpp refuses this configuration: " + plan.wanted.problem,
               "change the settings that it names");
}

// The column of the wanted context, or the nearest below it.
std::size_t wanted_column(const Plan& plan) {
  const auto& contexts = plan.grid.axes.n_ctx;
  const auto above =
      std::upper_bound(contexts.begin(), contexts.end(), plan.request.base.context.n_ctx);
  return above == contexts.begin() ? 0 : static_cast<std::size_t>(above - contexts.begin()) - 1;
}

// As llama-server's --fit: fewer layers, or without their experts.
const Change* placed_elsewhere(const std::vector<Change>& changes) {
  const auto found = std::find_if(changes.begin(), changes.end(), [](const Change& change) {
    return change.kind == ChangeKind::fewer_layers || change.kind == ChangeKind::experts_to_cpu;
  });
  return found == changes.end() ? nullptr : &*found;
}

// The cheapest change; a shorter context, which is not what was asked for, only where nothing else
// helps.
const Change* least_painful(const std::vector<Change>& changes) {
  if (changes.empty()) return nullptr;
  const auto found = std::find_if(changes.begin(), changes.end(), [](const Change& change) {
    return change.kind != ChangeKind::shorter_context;
  });
  return found == changes.end() ? &changes.front() : &*found;
}

// What nobody asked for is made to fit the host.
ServerSettings server_settings(const Plan& plan, const Config& config,
                               const PlannedMemory& planned) {
  const PlanRequest& request = plan.request;
  const auto room = server_room(planned, request.budgets->host);
  const bool is_server = config.context.host_program == HostProgram::llama_server;
  if (!is_server || !room) return config.server;
  const ServerSettings fitted = settings_within(config, plan.checkpoint_bytes.value_or(0), *room);
  ServerSettings settings = config.server;
  if (request.cache_ram_is_default) settings.cache_ram_mib = fitted.cache_ram_mib;
  if (request.checkpoints_are_default) settings.n_ctx_checkpoints = fitted.n_ctx_checkpoints;
  return settings;
}

Result<void> answer_server(Plan& plan, const MapSource& source) {
  if (plan.request.base.context.host_program != HostProgram::llama_server) return {};
  auto one = checkpoint_bytes(plan.request.base, source);
  if (!one) return tl::unexpected(one.error());
  plan.checkpoint_bytes = *std::move(one);
  plan.server_room_bytes = server_room(plan.wanted, plan.request.budgets->host);
  plan.request.base.server = server_settings(plan, plan.request.base, plan.wanted);
  return {};
}

// Contexts are searched up to what the model was trained for, or what was asked for beyond that.
std::uint32_t longest_context(const Plan& plan, const ModelInfo& model) {
  const auto trained = static_cast<std::uint32_t>(std::max(model.n_ctx_train, 0));
  return std::min(kLargestContext, std::max({trained, plan.request.base.context.n_ctx,
                                             plan.grid.axes.n_ctx.back()}));
}

Result<void> answer_budgets(Plan& plan, const ModelInfo& model, const MapSource& source) {
  const Budgets& budgets = *plan.request.budgets;
  if (auto asked = answer_server(plan, source); !asked) return tl::unexpected(asked.error());
  const Config& base = plan.request.base;
  for (const PlannedMemory& cell : plan.grid.cells) plan.fits.push_back(fit_of(cell, budgets));
  for (std::size_t types = 0; types < plan.grid.axes.cache_types.size(); ++types) {
    for (std::size_t context = 0; context < plan.grid.axes.n_ctx.size(); ++context) {
      const auto index = largest_layers(plan.grid, types, context, budgets);
      plan.largest_layers.push_back(index ? std::optional<int>(plan.grid.axes.layers[*index])
                                          : std::nullopt);
    }
  }
  plan.fit = fit_of(plan.wanted, budgets);
  plan.cpu_alone_fit = fit_of(plan.cpu_alone, budgets);
  auto longest = largest_context(base, longest_context(plan, model), budgets, source);
  if (!longest) return tl::unexpected(longest.error());
  plan.largest_context = *longest;
  if (plan.fit->fits) {
    plan.recommended = base;
    return {};
  }
  auto changes = changes_that_fit(base, model, budgets, source);
  if (!changes) return tl::unexpected(changes.error());
  plan.changes = *std::move(changes);
  for (Change& change : plan.changes) {
    change.config.server = server_settings(plan, change.config, change.planned);
  }
  const Change* change =
      plan.request.layers_are_auto ? placed_elsewhere(plan.changes) : least_painful(plan.changes);
  if (change != nullptr) plan.recommended = change->config;
  return {};
}

}  // namespace

Reading<std::uint64_t> server_room(const PlannedMemory& planned, const HostBudget& host) {
  if (!host.available_bytes) return Absence{host.available_bytes.reason()};
  const DeviceMemory* const entry = find_device(planned.memory, kHostDeviceId);
  const std::uint64_t taken = entry == nullptr ? 0 : entry->total_bytes();
  return minus(*host.available_bytes, plus(taken, host.reserve_bytes));
}

std::vector<std::uint32_t> usual_contexts(std::uint32_t n_ctx_train, std::uint32_t wanted) {
  std::vector<std::uint32_t> contexts = {wanted};
  const std::uint32_t most = n_ctx_train == 0 ? wanted : std::min(n_ctx_train, kLargestColumn);
  for (std::uint32_t n = kSmallestColumn; n <= most; n *= 2) contexts.push_back(n);
  std::sort(contexts.begin(), contexts.end());
  contexts.erase(std::unique(contexts.begin(), contexts.end()), contexts.end());
  return contexts;
}

Result<Plan> make_plan(PlanRequest request, const ModelInfo& model, const MapSource& source) {
  if (const Status possible = check_request(request); !possible) {
    return tl::unexpected(possible.error());
  }
  fill_defaults(request, model);
  Plan plan;
  plan.request = std::move(request);
  plan.offloadable = uses_no_device(plan.request.base.placement) ? 0 : model.offloadable_layers();
  if (auto asked = ask_wanted(plan, source); !asked) return tl::unexpected(asked.error());
  auto grid = fill_grid(axes_of(plan.request, plan.offloadable), source);
  if (!grid) return tl::unexpected(grid.error());
  plan.grid = *std::move(grid);
  if (plan.request.budgets) {
    if (auto done = answer_budgets(plan, model, source); !done) {
      return tl::unexpected(done.error());
    }
  }
  ClassQuestion classes;
  classes.context = wanted_column(plan);
  classes.bands_percent = plan.request.bands_percent;
  classes.reserve_bytes = plan.request.reserve_bytes;
  classes.share = plan.request.class_share;
  classes.n_ctx_max = longest_context(plan, model);
  auto fits = fit_classes(plan.grid, classes, source);
  if (!fits) return tl::unexpected(fits.error());
  plan.classes = *std::move(fits);
  return plan;
}

}  // namespace sweetspot::plan
