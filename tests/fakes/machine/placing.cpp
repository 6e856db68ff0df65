#include "machine/placing.hpp"

#include <map>
#include <string>

#include "core/no_device.hpp"

namespace sweetspot::fake {
namespace {

PlacedBlock place_block(const Block& block, std::size_t index, bool on_device,
                        const Config& config) {
  PlacedBlock placed;
  placed.on_device = on_device;
  placed.cache_on_device = on_device && config.context.kv_offload;
  const double types =
      cache_type_factor(config.context.type_k) + cache_type_factor(config.context.type_v);
  placed.cache_bytes_per_token = static_cast<double>(block.kv_bytes_per_token) * types / 2;
  std::uint64_t left = on_device ? 0 : block.bytes;
  const auto is_first = [&](int count) { return static_cast<int>(index) < count; };
  if (on_device && is_first(config.placement.n_cpu_moe)) left += block.expert_bytes;
  if (on_device && is_first(config.placement.n_cpu_ffn)) left += block.ffn_bytes;
  placed.host_bytes = left;
  placed.device_bytes = block.bytes - left;
  const bool experts_left = !on_device || is_first(config.placement.n_cpu_moe);
  (experts_left ? placed.host_expert_bytes : placed.device_expert_bytes) = block.expert_bytes;
  return placed;
}

// A block whose parts lie on both sides goes over and comes back; so does the attention of a block
// whose cache lies on the host.
std::size_t crossings_of(const PlacedBlock& block) {
  if (!block.on_device) return 0;
  std::size_t crossings = 0;
  if (block.host_bytes > 0) crossings += 2;
  if (!block.cache_on_device && block.cache_bytes_per_token > 0) crossings += 2;
  return crossings;
}

}  // namespace

double cache_type_factor(const std::string& type) {
  static const std::map<std::string, double> kFactors = {
      {"f32", 2.0},        {"f16", 1.0},        {"bf16", 1.0},
      {"q8_0", 34.0 / 64}, {"q5_1", 24.0 / 64}, {"q5_0", 22.0 / 64},
      {"q4_1", 20.0 / 64}, {"q4_0", 18.0 / 64}, {"iq4_nl", 18.0 / 64}};
  const auto found = kFactors.find(type);
  return found == kFactors.end() ? 1.0 : found->second;
}

bool copies_host_weights(const Accelerator& device, const Config& config) {
  return device.computes_host_weights && !uses_no_device(config.placement);
}

Placed place(const Model& model, const Config& config) {
  Placed placed;
  placed.layers = uses_no_device(config.placement)
                      ? 0
                      : effective_layers(config.placement.n_gpu_layers, model.offloadable());
  placed.output_on_device = placed.layers > 0;
  placed.device_blocks = placed.layers > 0 ? static_cast<std::size_t>(placed.layers - 1) : 0;
  const std::size_t first_on_device = model.blocks.size() - placed.device_blocks;
  placed.blocks.reserve(model.blocks.size());
  for (std::size_t i = 0; i < model.blocks.size(); ++i) {
    placed.blocks.push_back(place_block(model.blocks[i], i, i >= first_on_device, config));
    placed.crossings += crossings_of(placed.blocks.back());
  }
  // Embeddings are looked up on the host and logits are read there.
  if (placed.uses_device()) placed.crossings += 2;
  return placed;
}

}  // namespace sweetspot::fake
