#include "capi/struct_size.hpp"

namespace sweetspot::capi {
namespace {

template <typename Struct, typename... Members>
bool none_is_cut(const Struct& known, std::size_t size, const Members&... members) {
  const auto place_of = [&](const auto* one) {
    return static_cast<std::size_t>(reinterpret_cast<const char*>(one) -
                                    reinterpret_cast<const char*>(&known));
  };
  const auto is_cut = [&](const auto& member) {
    return place_of(&member) < size && size < place_of(&member + 1);
  };
  return size >= sizeof(std::size_t) && !(is_cut(members) || ...);
}

}  // namespace

// Each function names all members of its struct: where one is missing it does not compile.

bool holds_whole_members(const sweetspot_options& known, std::size_t size) {
  const auto& [own_size, data_folder, telemetry, interval_ms, deadline_ms, wake_sleeping_devices] =
      known;
  return none_is_cut(known, size, own_size, data_folder, telemetry, interval_ms, deadline_ms,
                     wake_sleeping_devices);
}

bool holds_whole_members(const sweetspot_device& known, std::size_t size) {
  const auto& [own_size, name, pci_bus_id, uuid, driver, driver_version, memory_total_bytes,
               memory_used_bytes, memory_free_bytes, utilisation_percent, temperature_c, power_w,
               power_limit_w, graphics_clock_mhz, asleep, shares_host_memory] = known;
  return none_is_cut(known, size, own_size, name, pci_bus_id, uuid, driver, driver_version,
                     memory_total_bytes, memory_used_bytes, memory_free_bytes, utilisation_percent,
                     temperature_c, power_w, power_limit_w, graphics_clock_mhz, asleep,
                     shares_host_memory);
}

bool holds_whole_members(const sweetspot_profile& known, std::size_t size) {
  const auto& [own_size, name, recommended_for, evidence, origin, cpu_only, n_gpu_layers, devices,
               device_count, split_mode, main_gpu, tensor_split, tensor_split_count, n_cpu_moe,
               n_cpu_ffn, override_tensor, override_tensor_count, all_override_tensor,
               all_override_tensor_count, load_mode, n_ctx, n_batch, n_ubatch, n_parallel,
               n_threads, n_threads_batch, type_k, type_v, flash_attn, kv_offload, kv_unified,
               swa_full, needs, need_count, needs_absent, host_bytes, tokens_per_second,
               prompt_tokens_per_second, embeddings, pooling] = known;
  return none_is_cut(known, size, own_size, name, recommended_for, evidence, origin, cpu_only,
                     n_gpu_layers, devices, device_count, split_mode, main_gpu, tensor_split,
                     tensor_split_count, n_cpu_moe, n_cpu_ffn, override_tensor,
                     override_tensor_count, all_override_tensor, all_override_tensor_count,
                     load_mode, n_ctx, n_batch, n_ubatch, n_parallel, n_threads, n_threads_batch,
                     type_k, type_v, flash_attn, kv_offload, kv_unified, swa_full, needs,
                     need_count, needs_absent, host_bytes, tokens_per_second,
                     prompt_tokens_per_second, embeddings, pooling);
}

bool holds_whole_members(const sweetspot_set_options& known, std::size_t size) {
  const auto& [own_size, rpc, rpc_count, no_defaults, host_program, n_prompt, n_gen, n_depth] =
      known;
  return none_is_cut(known, size, own_size, rpc, rpc_count, no_defaults, host_program, n_prompt,
                     n_gen, n_depth);
}

bool holds_whole_members(const sweetspot_set_info& known, std::size_t size) {
  const auto& [own_size, path, note, created_at, origin, model_path, model_name, llama_cpp,
               profile_count, n_prompt, n_gen, n_depth] = known;
  return none_is_cut(known, size, own_size, path, note, created_at, origin, model_path, model_name,
                     llama_cpp, profile_count, n_prompt, n_gen, n_depth);
}

bool holds_whole_members(const sweetspot_host_device& known, std::size_t size) {
  const auto& [own_size, id, pci_bus_id, description, memory_total_bytes, memory_free_bytes,
               shares_host_memory] = known;
  return none_is_cut(known, size, own_size, id, pci_bus_id, description, memory_total_bytes,
                     memory_free_bytes, shares_host_memory);
}

bool holds_whole_members(const sweetspot_requirements& known, std::size_t size) {
  const auto& [own_size, profile, min_ctx, max_vram_percent, reserve_bytes, prefer, llama_cpp,
               devices, device_count, program, arguments] = known;
  return none_is_cut(known, size, own_size, profile, min_ctx, max_vram_percent, reserve_bytes,
                     prefer, llama_cpp, devices, device_count, program, arguments);
}

bool holds_whole_members(const sweetspot_choice_info& known, std::size_t size) {
  const auto& [own_size, found, reason, unusable, stale_count, below_count, passed_count] = known;
  return none_is_cut(known, size, own_size, found, reason, unusable, stale_count, below_count,
                     passed_count);
}

bool holds_whole_members(const sweetspot_rung& known, std::size_t size) {
  const auto& [own_size, fits, why_not, missing_bytes] = known;
  return none_is_cut(known, size, own_size, fits, why_not, missing_bytes);
}

bool holds_whole_members(const sweetspot_report& known, std::size_t size) {
  const auto& [own_size, profile, result, device, free_bytes, peak_bytes, program, arguments] =
      known;
  return none_is_cut(known, size, own_size, profile, result, device, free_bytes, peak_bytes,
                     program, arguments);
}

}  // namespace sweetspot::capi
