#include "machine/pass_load.hpp"

namespace sweetspot::fake {
namespace {

void add_attention(const PlacedBlock& block, PassLoad& load) {
  if (block.cache_bytes_per_token <= 0) return;
  SideLoad& side = block.cache_on_device ? load.device : load.host;
  side.cache_bytes_per_token += block.cache_bytes_per_token;
  side.cached_blocks += 1;
}

void add_weights(std::uint64_t bytes, std::uint64_t expert_bytes, SideLoad& side) {
  if (bytes == 0) return;
  side.dense_bytes += static_cast<double>(bytes - expert_bytes);
  side.expert_bytes += static_cast<double>(expert_bytes);
  side.blocks += 1;
}

}  // namespace

PassLoad load_of(const Model& model, const Placed& placed) {
  PassLoad load;
  for (const PlacedBlock& block : placed.blocks) {
    add_weights(block.device_bytes, block.device_expert_bytes, load.device);
    add_weights(block.host_bytes, block.host_expert_bytes, load.host);
    add_attention(block, load);
  }
  SideLoad& output = placed.output_on_device ? load.device : load.host;
  output.dense_bytes += static_cast<double>(model.output_bytes);
  output.blocks += 1;
  load.crossings = static_cast<double>(placed.crossings);
  load.device_share =
      static_cast<double>(placed.device_blocks) / static_cast<double>(placed.blocks.size());
  return load;
}

}  // namespace sweetspot::fake
