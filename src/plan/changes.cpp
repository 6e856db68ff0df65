#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "ground/bytes.hpp"
#include "plan/answers.hpp"
#include "plan/context_step.hpp"
#include "plan/ladder.hpp"

namespace sweetspot::plan {
namespace {

constexpr std::uint32_t kSmallestUbatch = 64;

/// ggml's cache types by their size: bits per value (ggml-common.h's block structures).
struct CacheType {
  std::string_view name;
  double bits;
};
constexpr std::array<CacheType, 9> kCacheTypes = {{
    {"f32", 32},
    {"f16", 16},
    {"bf16", 16},
    {"q8_0", 8.5},
    {"q5_1", 6},
    {"q5_0", 5.5},
    {"q4_1", 5},
    {"q4_0", 4.5},
    {"iq4_nl", 4.5},
}};
constexpr std::array<CacheType, 2> kQuantizedSteps = {{{"q8_0", 8.5}, {"q4_0", 4.5}}};

/// `name` made smaller where that is smaller; a type nobody knows is left alone.
std::string at_most(const std::string& name, const CacheType& step) {
  const auto known = std::find_if(kCacheTypes.begin(), kCacheTypes.end(),
                                  [&](const CacheType& type) { return type.name == name; });
  const bool larger = known != kCacheTypes.end() && known->bits > step.bits;
  return larger ? std::string(step.name) : name;
}

/// Configs that were thought out beforehand.
Ladder listed(ChangeKind kind, std::vector<Config> configs) {
  const int rungs = static_cast<int>(configs.size());
  return {kind, rungs, [configs = std::move(configs)](int rung) {
            return configs[static_cast<std::size_t>(rung)];
          }};
}

Ladder smaller_ubatches(const Config& config) {
  std::vector<Config> configs;
  std::uint32_t n_ubatch = std::min(config.context.n_ubatch, config.context.n_batch) / 2;
  for (; n_ubatch >= kSmallestUbatch; n_ubatch /= 2) {
    configs.push_back(config);
    configs.back().context.n_ubatch = n_ubatch;
  }
  return listed(ChangeKind::smaller_ubatch, std::move(configs));
}

Ladder quantized_caches(const Config& config) {
  std::vector<Config> configs;
  for (const CacheType& step : kQuantizedSteps) {
    Config changed = config;
    changed.context.type_k = at_most(config.context.type_k, step);
    changed.context.type_v = at_most(config.context.type_v, step);
    changed.context.flash_attn = FlashAttention::on;
    const bool smaller = changed.context.type_k != config.context.type_k ||
                         changed.context.type_v != config.context.type_v;
    if (smaller) configs.push_back(std::move(changed));
  }
  return listed(ChangeKind::quantized_cache, std::move(configs));
}

/// More blocks whose weights of one kind stay on the CPU: n_cpu_moe or n_cpu_ffn.
Ladder more_blocks_on_cpu(ChangeKind kind, const Config& config, int Placement::*blocks,
                          int n_layer) {
  const int now = std::max(config.placement.*blocks, 0);
  return {kind, std::max(n_layer - now, 0), [config, blocks, now](int rung) {
            Config changed = config;
            changed.placement.*blocks = now + rung + 1;
            return changed;
          }};
}

Ladder fewer_layers(const Config& config, const ModelInfo& model) {
  const int now = effective_layers(config.placement.n_gpu_layers, model.offloadable_layers());
  return {ChangeKind::fewer_layers, now, [config, now](int rung) {
            Config changed = config;
            changed.placement.n_gpu_layers = now - rung - 1;
            return changed;
          }};
}

/// `n_ctx` is what the config really gets: 0 in a config means the model's own.
Ladder shorter_contexts(const Config& config, std::uint32_t n_ctx) {
  const std::uint32_t rungs = n_ctx == 0 ? 0 : (n_ctx - 1) / kContextStep;
  return {ChangeKind::shorter_context, static_cast<int>(rungs), [config, rungs](int rung) {
            Config changed = config;
            changed.context.n_ctx = (rungs - static_cast<std::uint32_t>(rung)) * kContextStep;
            return changed;
          }};
}

Ladder cache_on_cpu(const Config& config) {
  std::vector<Config> configs;
  if (config.context.kv_offload) {
    configs.push_back(config);
    configs.back().context.kv_offload = false;
  }
  return listed(ChangeKind::cache_to_cpu, std::move(configs));
}

/// Those of one placement first, so that they lie side by side in a call.
std::vector<Ladder> ladders(const Config& config, const ModelInfo& model,
                            const PlannedMemory& planned) {
  const std::uint32_t n_ctx = config.context.n_ctx == 0 ? planned.n_ctx : config.context.n_ctx;
  const bool has_experts = model.n_expert > 0;
  return {
      smaller_ubatches(config),
      quantized_caches(config),
      shorter_contexts(config, n_ctx),
      cache_on_cpu(config),
      has_experts ? more_blocks_on_cpu(ChangeKind::experts_to_cpu, config, &Placement::n_cpu_moe,
                                       model.n_layer)
                  : more_blocks_on_cpu(ChangeKind::ffn_to_cpu, config, &Placement::n_cpu_ffn,
                                       model.n_layer),
      fewer_layers(config, model),
  };
}

/// What moves things to the host is searched by the devices alone: the least that suits them also
/// takes the least of the host.
bool is_enough(ChangeKind kind, const PlannedMemory& planned, const Budgets& budgets) {
  const Fit fit = fit_of(planned, budgets);
  switch (kind) {
    case ChangeKind::smaller_ubatch:
    case ChangeKind::quantized_cache:
    case ChangeKind::shorter_context:
      return fit.fits;
    case ChangeKind::experts_to_cpu:
    case ChangeKind::ffn_to_cpu:
    case ChangeKind::fewer_layers:
    case ChangeKind::cache_to_cpu:
      break;
  }
  return planned.problem.empty() && !planned.memory.empty() && fit.missing_bytes == 0;
}

/// Climbs all ladders at once, with one call for a step of each. True once all are done.
Result<bool> climb(std::vector<Ladder>& ladders, const Budgets& budgets, const MapSource& source) {
  std::vector<std::pair<Ladder*, int>> rungs;
  std::vector<Config> configs;
  for (Ladder& ladder : ladders) {
    for (const int rung : ladder.next_rungs()) {
      rungs.emplace_back(&ladder, rung);
      configs.push_back(ladder.config(rung));
    }
  }
  if (configs.empty()) return true;
  const auto answers = ask_all(source, configs);
  if (!answers) return tl::unexpected(answers.error());
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const auto& [ladder, rung] = rungs[i];
    ladder->tell(rung, is_enough(ladder->kind(), (*answers)[i], budgets), (*answers)[i]);
  }
  return false;
}

DeviceMemory on_host(const PlannedMemory& planned) {
  const DeviceMemory* const host = find_device(planned.memory, kHostDeviceId);
  return host == nullptr ? DeviceMemory{} : *host;
}

std::uint64_t weights_on_devices(const PlannedMemory& planned) {
  std::uint64_t bytes = 0;
  for (const DeviceMemory& device : planned.memory) {
    if (device.id != kHostDeviceId) bytes = plus(bytes, device.model_bytes);
  }
  return bytes;
}

/// llama.cpp offloads from the end, the output first (n_gpu_layers counts it).
bool experts_are_offloaded(const LayerSize& layer, const Placement& placement,
                           const ModelInfo& model) {
  const int offloadable = model.offloadable_layers();
  const int first = offloadable - effective_layers(placement.n_gpu_layers, offloadable);
  return layer.block >= first && layer.block >= placement.n_cpu_moe;
}

/// Of the weights that went to the host, the experts that a token does not use.
std::uint64_t idle_bytes(const Config& before, const Config& after, const ModelInfo& model) {
  if (model.n_expert <= 0) return 0;
  const auto experts = static_cast<std::uint64_t>(model.n_expert);
  const auto idle = static_cast<std::uint64_t>(model.n_expert -
                                               std::clamp(model.n_expert_used, 0, model.n_expert));
  std::uint64_t bytes = 0;
  for (const LayerSize& layer : model.layers) {
    const bool moved = experts_are_offloaded(layer, before.placement, model) &&
                       !experts_are_offloaded(layer, after.placement, model);
    if (moved) bytes = plus(bytes, layer.expert_bytes / experts * idle);
  }
  return bytes;
}

struct Planned {
  const Config& config;
  const PlannedMemory& memory;
};

Change change_of(ChangeKind kind, const Planned& before, const Planned& after,
                 const ModelInfo& model) {
  Change change{kind, after.config, after.memory, 0, 0, 0};
  const DeviceMemory host_before = on_host(before.memory);
  const DeviceMemory host_after = on_host(after.memory);
  change.freed_bytes =
      minus(offloaded_bytes(before.memory.memory), offloaded_bytes(after.memory.memory));
  change.to_host_bytes = minus(host_after.total_bytes(), host_before.total_bytes());
  // What left the devices, not what came to the host: a mapped file counts there with its gaps.
  const std::uint64_t weights =
      minus(weights_on_devices(before.memory), weights_on_devices(after.memory));
  change.host_bytes_per_token = plus(minus(weights, idle_bytes(before.config, after.config, model)),
                                     minus(host_after.context_bytes, host_before.context_bytes));
  return change;
}

bool is_cheaper(const Change& a, const Change& b) {
  const auto key = [](const Change& change) {
    return std::tuple(change.kind == ChangeKind::cache_to_cpu, change.host_bytes_per_token,
                      change.kind);
  };
  return key(a) < key(b);
}

}  // namespace

Result<std::vector<Change>> changes_that_fit(const Config& config, const ModelInfo& model,
                                             const Budgets& budgets, const MapSource& source) {
  const auto asked = ask_all(source, {config});
  if (!asked) return tl::unexpected(asked.error());
  const PlannedMemory& now = asked->front();
  if (!now.problem.empty() || fit_of(now, budgets).fits) return std::vector<Change>{};

  std::vector<Ladder> all = ladders(config, model, now);
  for (bool done = false; !done;) {
    const auto climbed = climb(all, budgets, source);
    if (!climbed) return tl::unexpected(climbed.error());
    done = *climbed;
  }

  std::vector<Change> changes;
  for (const Ladder& ladder : all) {
    const auto rung = ladder.mildest();
    if (!rung || !fit_of(ladder.planned(), budgets).fits) continue;
    changes.push_back(
        change_of(ladder.kind(), {config, now}, {ladder.config(*rung), ladder.planned()}, model));
  }
  std::sort(changes.begin(), changes.end(), is_cheaper);
  return changes;
}

}  // namespace sweetspot::plan
