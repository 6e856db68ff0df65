#include "tune/space.hpp"

#include <algorithm>
#include <tuple>

#include "core/no_device.hpp"
#include "tune/placement_shape.hpp"

namespace sweetspot::tune {
namespace {

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
  if (!has_device) return {cpu_alone(base)};
  const int all = model.offloadable_layers();
  std::vector<Placement> placements;
  for (int layers = 0; layers <= all; ++layers) placements.push_back(with_layers(base, layers));
  const bool experts = model.n_expert > 0;
  const auto keep = [&](Placement placement, int blocks) {
    (experts ? placement.n_cpu_moe : placement.n_cpu_ffn) = blocks;
    placements.push_back(std::move(placement));
  };
  if (kept_on_cpu(base) == 0) {
    for (int blocks = 1; blocks <= model.n_layer; ++blocks) keep(with_layers(base, all), blocks);
    for (int layers = 2; layers < all; ++layers) keep(with_layers(base, layers), model.n_layer);
  }
  placements.push_back(cpu_alone(base));
  return placements;
}

std::vector<std::uint32_t> smaller_pieces(std::uint32_t now) {
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t n = now / 2; n >= kLeastPieces; n /= 2) sizes.push_back(n);
  return sizes;
}

std::vector<std::uint32_t> larger_pieces(std::uint32_t now, std::uint32_t largest,
                                         std::uint32_t n_prompt) {
  std::vector<std::uint32_t> sizes;
  const std::uint32_t most = std::min(largest, kMostPieces);
  for (std::uint32_t n = now * 2; now > 0 && n <= most && n / 2 < n_prompt; n *= 2) {
    sizes.push_back(n);
  }
  return sizes;
}

std::vector<ContextSettings> memory_variants(const ContextSettings& base, bool has_device,
                                             std::uint32_t n_prompt) {
  std::vector<ContextSettings> variants = {base};
  const std::vector<std::uint32_t> smaller = smaller_pieces(base.n_ubatch);
  const auto add = [&](std::uint32_t n_ubatch, bool kv_offload) {
    variants.push_back(base);
    variants.back().n_ubatch = n_ubatch;
    variants.back().n_batch = std::max(base.n_batch, n_ubatch);
    variants.back().kv_offload = kv_offload;
  };
  for (const std::uint32_t n : smaller) add(n, base.kv_offload);
  for (const std::uint32_t n : larger_pieces(base.n_ubatch, base.n_ctx, n_prompt)) {
    add(n, base.kv_offload);
  }
  variants.push_back(base);
  variants.back().flash_attn =
      base.flash_attn == FlashAttention::off ? FlashAttention::on : FlashAttention::off;
  if (!has_device || !base.kv_offload) return variants;
  // What frees most: the cache in host memory, alone and with smaller pieces.
  add(base.n_ubatch, false);
  for (const std::uint32_t n : smaller) add(n, false);
  return variants;
}

std::size_t fitted_option(const std::vector<Option>& options, const ContextSettings& context) {
  int offloadable = 0;
  bool experts = false;
  for (const Option& option : options) {
    offloadable = std::max(offloadable, option.config.placement.n_gpu_layers);
    experts = experts || option.config.placement.n_cpu_moe > 0;
  }
  std::size_t best = 0;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const Option& option = options[i];
    const Placement& placement = option.config.placement;
    if (option.config.context != context || !option.why_not.empty()) continue;
    // --fit knows layers and experts only; what the user keeps on the CPU it is told.
    if (uses_no_device(placement)) continue;
    if (placement.n_cpu_ffn != options.front().config.placement.n_cpu_ffn) continue;
    if (placement.n_gpu_layers > 0 && option.left_bytes.value_or(0) < kFitMarginBytes) continue;
    const Placement& chosen = options[best].config.placement;
    const bool more = experts ? offloading(placement, offloadable) > offloading(chosen, offloadable)
                              : placement.n_gpu_layers > chosen.n_gpu_layers;
    if (more) best = i;
  }
  return best;
}

}  // namespace sweetspot::tune
