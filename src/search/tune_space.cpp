#include "search/tune_space.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "search/placement_shape.hpp"

namespace sweetspot::search {
namespace {

constexpr std::array<std::uint32_t, 5> kUbatches = {kLeastPieces, 128, 256, 1024, kMostPieces};

Placement with_layers(Placement placement, int layers) {
  placement.n_gpu_layers = layers;
  return placement;
}

// More on devices comes first: layers, then fewer blocks whose feed-forward part stays behind.
std::tuple<bool, int, int> offloading(const Placement& placement, int offloadable) {
  const int kept = kept_on_cpu(placement);
  return {placement.n_gpu_layers >= offloadable, -kept, placement.n_gpu_layers};
}

}  // namespace

std::vector<Placement> placements_of(const Placement& base, const ModelInfo& model,
                                     bool has_device) {
  const int all = has_device ? model.offloadable_layers() : 0;
  std::vector<Placement> placements;
  for (int layers = 0; layers <= all; ++layers) placements.push_back(with_layers(base, layers));
  const bool chosen = kept_on_cpu(base) > 0;
  if (!has_device || chosen) return placements;
  const bool experts = model.n_expert > 0;
  const auto keep = [&](Placement placement, int blocks) {
    (experts ? placement.n_cpu_moe : placement.n_cpu_ffn) = blocks;
    placements.push_back(std::move(placement));
  };
  for (int blocks = 1; blocks <= model.n_layer; ++blocks) keep(with_layers(base, all), blocks);
  for (int layers = 2; layers < all; ++layers) keep(with_layers(base, layers), model.n_layer);
  return placements;
}

std::vector<ContextSettings> memory_variants(const ContextSettings& base, bool has_device,
                                             std::uint32_t n_prompt) {
  std::vector<ContextSettings> variants = {base};
  for (const std::uint32_t n_ubatch : kUbatches) {
    if (n_ubatch == base.n_ubatch || n_ubatch > base.n_ctx) continue;
    if (n_ubatch > base.n_ubatch && n_ubatch / 2 >= n_prompt) continue;
    variants.push_back(base);
    variants.back().n_ubatch = n_ubatch;
    variants.back().n_batch = std::max(base.n_batch, n_ubatch);
  }
  variants.push_back(base);
  variants.back().flash_attn =
      base.flash_attn == FlashAttention::off ? FlashAttention::on : FlashAttention::off;
  if (!has_device || !base.kv_offload) return variants;
  // What frees most: the cache in host memory, alone and with smaller pieces.
  for (const std::uint32_t n_ubatch : {base.n_ubatch, kUbatches[2], kUbatches[1], kUbatches[0]}) {
    if (n_ubatch >= variants.back().n_ubatch && !variants.back().kv_offload) continue;
    variants.push_back(base);
    variants.back().kv_offload = false;
    variants.back().n_ubatch = n_ubatch;
  }
  return variants;
}

std::size_t fitted_option(const std::vector<TuneOption>& options, const ContextSettings& context) {
  int offloadable = 0;
  bool experts = false;
  for (const TuneOption& option : options) {
    offloadable = std::max(offloadable, option.config.placement.n_gpu_layers);
    experts = experts || option.config.placement.n_cpu_moe > 0;
  }
  std::size_t best = 0;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const TuneOption& option = options[i];
    const Placement& placement = option.config.placement;
    if (option.config.context != context || !option.why_not.empty()) continue;
    // --fit knows layers and experts only; what the user keeps on the CPU it is told.
    if (placement.n_cpu_ffn != options.front().config.placement.n_cpu_ffn) continue;
    if (placement.n_gpu_layers > 0 && option.left_bytes.value_or(0) < kFitMarginBytes) continue;
    const Placement& chosen = options[best].config.placement;
    const bool more = experts ? offloading(placement, offloadable) > offloading(chosen, offloadable)
                              : placement.n_gpu_layers > chosen.n_gpu_layers;
    if (more) best = i;
  }
  return best;
}

}  // namespace sweetspot::search
