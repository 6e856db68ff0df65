// KoboldCpp's settings file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "core/no_device.hpp"
#include "export/host_formats.hpp"
#include "export/host_keys.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::exporting {
namespace {

// One number for both caches: 0 = f16, 1 = q8_0, 2 = q4_0.
std::optional<Json> quantkv(const ExportJob& job) {
  constexpr std::array<std::string_view, 3> kTypes = {"f16", "q8_0", "q4_0"};
  const ContextSettings& context = job.config.context;
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (context.type_k == kTypes[i] && context.type_v == kTypes[i]) return Json(i);
  }
  return std::nullopt;
}

// "CUDA1" -> 1, where exactly one device of the backend is named.
std::optional<int> only_device(const Placement& placement, std::string_view backend) {
  if (placement.devices.size() != 1 || backend.empty()) return std::nullopt;
  std::string_view name = placement.devices.front();
  if (!name.starts_with(backend)) return std::nullopt;
  name.remove_prefix(backend.size());
  const auto index = number_of<int>(name);
  return index && *index >= 0 ? index : std::nullopt;
}

bool splits_rows(const ExportJob& job) {
  const bool can = job.backend == "CUDA" || job.backend == "ROCm";
  return can && job.config.placement.split_mode == SplitMode::row;
}

constexpr std::array<HostKey, 18> kKoboldKeys = {{
    {"n_gpu_layers", "gpulayers",
     [](const ExportJob& job) -> std::optional<Json> { return layers_or_many(job); }},
    {"n_ctx", "contextsize",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ctx; }},
    // One size for both batches; the physical one decides the memory.
    {"n_ubatch", "batchsize",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ubatch; }},
    {"n_batch", "",
     [](const ExportJob& job) -> std::optional<Json> {
       const ContextSettings& context = job.config.context;
       if (context.n_batch == context.n_ubatch) return true;
       return std::nullopt;
     }},
    {"n_threads", "threads",
     [](const ExportJob& job) { return if_positive(job.config.context.n_threads); }},
    {"n_threads_batch", "blasthreads",
     [](const ExportJob& job) { return if_positive(job.config.context.n_threads_batch); }},
    {"flash_attn", "flashattention", flash_attention_switch},
    {"type_k", "quantkv", quantkv},
    {"type_v", "", quantkv},
    {"load_mode", "",
     [](const ExportJob& job) -> std::optional<Json> {
       if (job.config.placement.load_mode != LoadMode::direct_io) return true;  // below
       return std::nullopt;
     }},
    {"kv_offload", "lowvram",
     [](const ExportJob& job) -> std::optional<Json> { return !job.config.context.kv_offload; }},
    {"swa_full", "useswa",
     [](const ExportJob& job) -> std::optional<Json> { return !job.config.context.swa_full; }},
    {"n_cpu_moe", "moecpu",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.placement.n_cpu_moe; }},
    {"override_tensor", "overridetensors",
     [](const ExportJob& job) -> std::optional<Json> {
       return fmt::format("{}", fmt::join(job.config.placement.override_tensor, ","));
     }},
    {"tensor_split", "tensor_split",
     [](const ExportJob& job) -> std::optional<Json> {
       if (job.config.placement.tensor_split.empty()) return std::nullopt;
       return Json(job.config.placement.tensor_split);
     }},
    {"main_gpu", "maingpu",
     [](const ExportJob& job) { return if_positive(job.config.placement.main_gpu); }},
    {"devices", "",
     [](const ExportJob& job) -> std::optional<Json> {
       if (only_device(job.config.placement, job.backend)) return true;  // below, as usecpu is
       return no_device_is_said(job);
     }},
    {"split_mode", "",
     [](const ExportJob& job) -> std::optional<Json> {
       if (splits_rows(job)) return true;  // below
       return std::nullopt;
     }},
}};

constexpr std::array<HostHabit, 3> kKoboldHabits = {{
    {"n_batch", "n_ubatch", "it has one batch size, which is n_ubatch here"},
    {"embeddings", "", "it loads such a model beside another one: --embeddingsmodel"},
    {"devices", "", "CUDA_VISIBLE_DEVICES and its kin choose among devices"},
}};

constexpr Host kKoboldCpp = {"KoboldCpp", kKoboldKeys, kKoboldHabits};

// KoboldCpp takes no layers to a device before it is told which library to use.
void add_backend(Json& settings, const ExportJob& job) {
  const std::optional<int> device = only_device(job.config.placement, job.backend);
  if (uses_no_device(job.config.placement) || job.backend == "CPU") {
    settings["usecpu"] = true;
  } else if (job.backend == "CUDA" || job.backend == "ROCm") {
    settings["usecuda"] = Json::array({device ? fmt::format("{}", *device) : "all"});
    if (splits_rows(job)) settings["usecuda"].push_back("rowsplit");
  } else if (job.backend == "Vulkan") {
    settings["usevulkan"] = device ? Json::array({*device}) : Json::array();
  }
}

}  // namespace

Result<Exported> to_kcpps(const ExportJob& job) {
  Result<HostWords> words = words_of(kKoboldCpp, job);
  if (!words) return tl::unexpected(words.error());
  const LoadMode mode = job.config.placement.load_mode;
  Json settings = {{"model_param", job.model_path}};
  for (auto& [key, value] : words->values) settings[std::string(key)] = std::move(value);
  settings["usemmap"] =
      mode == LoadMode::automatic || mode == LoadMode::mmap || mode == LoadMode::mmap_mlock;
  settings["usemlock"] = mode == LoadMode::mlock || mode == LoadMode::mmap_mlock;
  add_backend(settings, job);
  return Exported{dump(settings, 2) + "\n", std::move(words->notes)};
}

}  // namespace sweetspot::exporting
