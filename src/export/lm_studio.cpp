// LM Studio's preset, whose load fields its per-model defaults share.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "export/host_formats.hpp"
#include "export/host_keys.hpp"
#include "export/quoting.hpp"

namespace sweetspot::exporting {
namespace {

// The app counts layers in shares of the whole and rounds back to a number.
std::optional<Json> share_of(int part, int whole) {
  if (part <= 0) return Json(0);
  if (whole <= 0) return std::nullopt;
  return Json(std::min(1.0, static_cast<double>(part) / whole));
}

std::optional<Json> cache_type(const std::string& type) {
  constexpr std::array<std::string_view, 8> kTypes = {"f32",  "f16",    "q8_0", "q4_0",
                                                      "q4_1", "iq4_nl", "q5_0", "q5_1"};
  if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) return std::nullopt;
  return Json{{"checked", type != "f16"}, {"value", type}};
}

constexpr std::array<HostKey, 13> kLmStudioKeys = {{
    {"n_ctx", "llm.load.contextLength",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ctx; }},
    {"n_gpu_layers", "llm.load.llama.acceleration.offloadRatio",
     [](const ExportJob& job) -> std::optional<Json> {
       if (job.config.placement.n_gpu_layers < 0) return Json(1);
       return share_of(job.config.placement.n_gpu_layers, job.offloadable_layers);
     }},
    {"n_cpu_moe", "llm.load.numCpuExpertLayersRatio",
     [](const ExportJob& job) {
       return share_of(job.config.placement.n_cpu_moe, job.offloadable_layers - 1);
     }},
    {"n_batch", "llm.load.llama.evalBatchSize",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_batch; }},
    {"n_ubatch", "llm.load.llama.physicalBatchSize",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ubatch; }},
    {"flash_attn", "llm.load.llama.flashAttention", flash_attention_switch},
    {"type_k", "llm.load.llama.kCacheQuantizationType",
     [](const ExportJob& job) { return cache_type(job.config.context.type_k); }},
    {"type_v", "llm.load.llama.vCacheQuantizationType",
     [](const ExportJob& job) { return cache_type(job.config.context.type_v); }},
    {"kv_offload", "llm.load.offloadKVCacheToGpu",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.kv_offload; }},
    {"n_parallel", "llm.load.numParallelSessions",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_parallel; }},
    {"kv_unified", "llm.load.useUnifiedKvCache",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.kv_unified; }},
    {"n_threads", "llm.load.llama.cpuThreadPoolSize",
     [](const ExportJob& job) { return if_positive(job.config.context.n_threads); }},
    {"load_mode", "", [](const ExportJob&) -> std::optional<Json> { return true; }},  // below
}};

constexpr std::array<HostHabit, 2> kLmStudioHabits = {{
    {"embeddings", "", "it tells a model that only reads by its header"},
    {"pooling", "", "it takes what the model's header says"},
}};

constexpr Host kLmStudio = {"LM Studio", kLmStudioKeys, kLmStudioHabits};

Json field(std::string_view key, Json value) { return {{"key", key}, {"value", std::move(value)}}; }

void add_load_mode(Json& fields, LoadMode mode) {
  if (mode == LoadMode::automatic) return;
  const bool maps = mode == LoadMode::mmap || mode == LoadMode::mmap_mlock;
  const bool locks = mode == LoadMode::mlock || mode == LoadMode::mmap_mlock;
  fields.push_back(field("llm.load.llama.tryMmap", maps));
  fields.push_back(field("llm.load.llama.keepModelInMemory", locks));
  fields.push_back(field("llm.load.llama.tryDirectIO", mode == LoadMode::direct_io));
}

}  // namespace

Result<Exported> to_lm_studio(const ExportJob& job) {
  Result<HostWords> words = words_of(kLmStudio, job);
  if (!words) return tl::unexpected(words.error());
  // Without this the app chooses context and layers itself.
  Json fields = Json::array({field("llm.load.llama.autoFit", false)});
  for (auto& [key, value] : words->values) fields.push_back(field(key, std::move(value)));
  add_load_mode(fields, job.config.placement.load_mode);
  const Json preset = {{"identifier", "@local:" + plain_id(job.name)},
                       {"name", job.name},
                       {"changed", false},
                       {"operation", {{"fields", Json::array()}}},
                       {"load", {{"fields", std::move(fields)}}}};
  words->notes.push_back(
      fmt::format("a preset of LM Studio names no model: use it with {}", job.model_path));
  return Exported{dump(preset, 2) + "\n", std::move(words->notes)};
}

}  // namespace sweetspot::exporting
