#include "capi/profile_view.hpp"

#include <fmt/format.h>

#include <utility>

#include "capi/c_values.hpp"
#include "core/cpu_patterns.hpp"

namespace sweetspot::capi {
namespace {

std::int32_t flag(bool on) { return on ? 1 : 0; }

// llama_flash_attn_type
std::int32_t flash_attention(FlashAttention value) {
  if (value == FlashAttention::automatic) return -1;
  return flag(value == FlashAttention::on);
}

// llama_split_mode
std::int32_t split_mode(SplitMode mode) {
  switch (mode) {
    case SplitMode::none:
      return 0;
    case SplitMode::row:
      return 2;
    case SplitMode::tensor:
      return 3;
    case SplitMode::layer:
      break;
  }
  return 1;
}

// llama_pooling_type
std::int32_t pooling(Pooling value) {
  switch (value) {
    case Pooling::none:
      return 0;
    case Pooling::mean:
      return 1;
    case Pooling::cls:
      return 2;
    case Pooling::last:
      return 3;
    case Pooling::rank:
      return 4;
    case Pooling::of_model:
      break;
  }
  return -1;
}

std::vector<std::string> all_overrides(const Placement& placement) {
  std::vector<std::string> all = placement.override_tensor;
  for (int block = 0; block < placement.n_cpu_moe; ++block) {
    all.push_back(fmt::format(fmt::runtime(kExpertsOfBlock), block) + "=CPU");
  }
  for (int block = 0; block < placement.n_cpu_ffn; ++block) {
    all.push_back(fmt::format(fmt::runtime(kFeedForwardOfBlock), block) + "=CPU");
  }
  return all;
}

// A profile that names no device was measured with all there were; now there may be more. The ids
// of default sets are addresses, which ggml does not know.
std::vector<std::string> devices_of(const ProfileSet& set, const SavedProfile& profile) {
  if (profile.is_cpu_only() || profile.origin == Origin::defaults) return {};
  if (!profile.config.placement.devices.empty()) return profile.config.placement.devices;
  std::vector<std::string> ids;
  ids.reserve(set.devices.size());
  for (const SetDevice& device : set.devices) ids.push_back(device.id);
  return ids;
}

void show_context(const ContextSettings& context, sweetspot_profile& shown) {
  shown.n_ctx = context.n_ctx;
  shown.n_batch = context.n_batch;
  shown.n_ubatch = context.n_ubatch;
  shown.n_parallel = context.n_parallel;
  shown.n_threads = context.n_threads;
  shown.n_threads_batch = context.n_threads_batch;
  shown.type_k = context.type_k.c_str();
  shown.type_v = context.type_v.c_str();
  shown.flash_attn = flash_attention(context.flash_attn);
  shown.kv_offload = flag(context.kv_offload);
  shown.kv_unified = flag(context.kv_unified);
  shown.swa_full = flag(context.swa_full);
  shown.embeddings = flag(context.embeddings);
  shown.pooling = pooling(context.pooling);
}

}  // namespace

ShownSet::ShownSet(ProfileSet set) : set_(std::move(set)) {
  profiles_.reserve(set_.profiles.size());
  for (const SavedProfile& profile : set_.profiles) show(profile);
}

const std::vector<const char*>& ShownSet::list_of(const std::vector<std::string>& texts) {
  const std::vector<std::string>& kept = texts_.emplace_back(texts);
  std::vector<const char*>& list = lists_.emplace_back();
  list.reserve(kept.size());
  for (const std::string& text : kept) list.push_back(text.c_str());
  return list;
}

void ShownSet::show_placement(const SavedProfile& profile, sweetspot_profile& shown) {
  const Placement& placement = profile.config.placement;
  shown.n_gpu_layers = placement.n_gpu_layers;
  const auto& devices = list_of(devices_of(set_, profile));
  shown.devices = devices.data();
  shown.device_count = devices.size();
  shown.split_mode = split_mode(placement.split_mode);
  shown.main_gpu = placement.main_gpu;
  shown.tensor_split = placement.tensor_split.data();
  shown.tensor_split_count = placement.tensor_split.size();
  shown.n_cpu_moe = placement.n_cpu_moe;
  shown.n_cpu_ffn = placement.n_cpu_ffn;
  const auto& overrides = list_of(placement.override_tensor);
  shown.override_tensor = overrides.data();
  shown.override_tensor_count = overrides.size();
  const auto& all = list_of(all_overrides(placement));
  shown.all_override_tensor = all.data();
  shown.all_override_tensor_count = all.size();
  shown.load_mode = to_string(placement.load_mode).data();
}

void ShownSet::show_memory(const SavedProfile& profile, sweetspot_profile& shown) {
  std::vector<sweetspot_need>& needs = needs_.emplace_back();
  if (profile.needs) {
    needs.reserve(profile.needs->size());
    for (const DeviceNeed& need : *profile.needs)
      needs.push_back({need.device.c_str(), need.bytes});
  } else {
    shown.needs_absent = profile.needs.reason().c_str();
  }
  shown.needs = needs.data();
  shown.need_count = needs.size();
  shown.host_bytes = bytes_of(profile.host_bytes);
  shown.tokens_per_second = estimate_of(profile.tokens_per_second);
  shown.prompt_tokens_per_second = estimate_of(profile.prompt_tokens_per_second);
}

void ShownSet::show(const SavedProfile& profile) {
  sweetspot_profile shown{};
  shown.size = sizeof shown;
  shown.name = profile.name.c_str();
  shown.recommended_for = profile.recommended_for.c_str();
  shown.evidence = profile.evidence.c_str();
  shown.origin = static_cast<std::int32_t>(profile.origin);
  shown.cpu_only = flag(profile.is_cpu_only());
  show_placement(profile, shown);
  show_context(profile.config.context, shown);
  show_memory(profile, shown);
  profiles_.push_back(shown);
}

}  // namespace sweetspot::capi
