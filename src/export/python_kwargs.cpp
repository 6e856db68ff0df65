// Keyword arguments of llama_cpp.Llama(), as JSON.
#include <fmt/format.h>

#include <array>

#include "export/host_formats.hpp"
#include "export/host_keys.hpp"

namespace sweetspot::exporting {
namespace {

struct GgmlType {
  std::string_view name;
  int number;  ///< of enum ggml_type
};
constexpr std::array<GgmlType, 9> kTypes = {{{"f32", 0},
                                             {"f16", 1},
                                             {"q4_0", 2},
                                             {"q4_1", 3},
                                             {"q5_0", 6},
                                             {"q5_1", 7},
                                             {"q8_0", 8},
                                             {"iq4_nl", 20},
                                             {"bf16", 30}}};

std::optional<Json> type_number(const std::string& name) {
  for (const GgmlType& type : kTypes) {
    if (type.name == name) return Json(type.number);
  }
  return std::nullopt;
}

constexpr std::array<HostKey, 18> kPythonKeys = {{
    {"n_gpu_layers", "n_gpu_layers",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.placement.n_gpu_layers; }},
    {"split_mode", "split_mode",
     [](const ExportJob& job) -> std::optional<Json> {
       return static_cast<int>(
           job.config.placement.split_mode);  // in enum llama_split_mode's order
     }},
    {"main_gpu", "main_gpu",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.placement.main_gpu; }},
    {"tensor_split", "tensor_split",
     [](const ExportJob& job) -> std::optional<Json> {
       if (job.config.placement.tensor_split.empty()) return std::nullopt;
       return Json(job.config.placement.tensor_split);
     }},
    {"load_mode", "use_mmap",
     [](const ExportJob& job) -> std::optional<Json> {
       const LoadMode mode = job.config.placement.load_mode;
       if (mode == LoadMode::direct_io) return std::nullopt;
       return mode == LoadMode::automatic || mode == LoadMode::mmap || mode == LoadMode::mmap_mlock;
     }},
    {"load_mode", "use_mlock",
     [](const ExportJob& job) -> std::optional<Json> {
       const LoadMode mode = job.config.placement.load_mode;
       return mode == LoadMode::mlock || mode == LoadMode::mmap_mlock;
     }},
    {"n_ctx", "n_ctx",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ctx; }},
    {"n_batch", "n_batch",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_batch; }},
    {"n_ubatch", "n_ubatch",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.n_ubatch; }},
    {"n_threads", "n_threads",
     [](const ExportJob& job) { return if_positive(job.config.context.n_threads); }},
    {"n_threads_batch", "n_threads_batch",
     [](const ExportJob& job) { return if_positive(job.config.context.n_threads_batch); }},
    {"kv_offload", "offload_kqv",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.kv_offload; }},
    {"flash_attn", "flash_attn", flash_attention_switch},
    {"swa_full", "swa_full",
     [](const ExportJob& job) -> std::optional<Json> { return job.config.context.swa_full; }},
    {"embeddings", "embedding",
     [](const ExportJob& job) -> std::optional<Json> {
       if (!job.config.context.embeddings) return std::nullopt;
       return true;
     }},
    {"pooling", "pooling_type",
     [](const ExportJob& job) -> std::optional<Json> {
       const Pooling pooling = job.config.context.pooling;
       if (pooling == Pooling::of_model) return std::nullopt;
       // llama.cpp's numbers: none is 0.
       return static_cast<int>(pooling) - static_cast<int>(Pooling::none);
     }},
    {"type_k", "type_k",
     [](const ExportJob& job) { return type_number(job.config.context.type_k); }},
    {"type_v", "type_v",
     [](const ExportJob& job) { return type_number(job.config.context.type_v); }},
}};

constexpr std::array<HostHabit, 1> kPythonHabits = {{
    {"devices", "", "CUDA_VISIBLE_DEVICES and its kin choose among devices"},
}};

constexpr Host kPython = {"llama-cpp-python", kPythonKeys, kPythonHabits};

}  // namespace

Result<Exported> to_python_kwargs(const ExportJob& job) {
  Result<HostWords> words = words_of(kPython, job);
  if (!words) return tl::unexpected(words.error());
  Json arguments = {{"model_path", job.model_path}};
  for (auto& [key, value] : words->values) arguments[std::string(key)] = std::move(value);
  return Exported{dump(arguments, 2) + "\n", std::move(words->notes)};
}

}  // namespace sweetspot::exporting
