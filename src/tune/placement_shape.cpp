#include "tune/placement_shape.hpp"

#include <algorithm>

#include "core/no_device.hpp"

namespace sweetspot::tune {
namespace {

// Of a dense block's weights about this share is feed-forward: three matrices of n_embd x n_ff
// against attention's four. Only used to weigh, never to predict by itself.
constexpr double kDenseFfnShare = 0.7;

double expert_share(const ModelInfo& model) {
  double experts = 0;
  double all = 0;
  for (const LayerSize& layer : model.layers) {
    experts += search::used_expert_bytes(model, layer);
    all += search::read_bytes(model, layer);
  }
  return all > 0 ? experts / all : kDenseFfnShare;
}

}  // namespace

PlacementShape::PlacementShape(const ModelInfo& model)
    : layers_(model),
      blocks_(std::max(1, model.offloadable_layers() - 1)),
      ffn_share_(model.n_expert > 0 ? expert_share(model) : kDenseFfnShare) {}

// llama.cpp keeps the feed-forward part of the *first* blocks; those that are not offloaded at all
// have nothing to keep.
int PlacementShape::split_blocks(const Placement& placement) const {
  const int layers = effective_layers(placement.n_gpu_layers, offloadable());
  if (layers == 0) return 0;
  const int on_cpu = std::max(0, offloadable() - layers);
  return std::clamp(kept_on_cpu(placement) - on_cpu, 0, blocks_ - std::min(on_cpu, blocks_));
}

DeviceParts PlacementShape::on_device(const Placement& placement) const {
  const int layers = effective_layers(placement.n_gpu_layers, offloadable());
  const int whole = std::max(0, layers - 1);  // the first of them is the output
  return {layers, whole - split_blocks(placement)};
}

double PlacementShape::cpu_share(const Placement& placement) const {
  const int layers = effective_layers(placement.n_gpu_layers, offloadable());
  const double whole = layers_.cpu_share(layers);
  const double per_block = layers_.cpu_share(1) / blocks_;  // with the output alone on the device
  return std::min(1.0, whole + split_blocks(placement) * per_block * ffn_share_);
}

search::Features PlacementShape::features(const Placement& placement) const {
  const int layers = effective_layers(placement.n_gpu_layers, offloadable());
  const double on_device = layers_.features(layers).basis[1];
  const double split = static_cast<double>(split_blocks(placement)) / blocks_;
  const double some = split > 0 ? 1 : 0;
  const double all = layers >= offloadable() && split_blocks(placement) == 0 ? 1 : 0;
  return {{1, on_device, split, some, uses_no_device(placement) ? 1.0 : 0.0, all},
          {on_device, split}};
}

search::TimePrior PlacementShape::prior(double scale_ms) const {
  return {{{0.95 * scale_ms, 0.5 * scale_ms},
           {-0.5 * scale_ms, 0.7 * scale_ms},
           {0.5 * ffn_share_ * scale_ms, 0.6 * scale_ms},
           {0.02 * scale_ms, 0.05 * scale_ms},
           {0.05 * scale_ms, 0.4 * scale_ms},
           {-0.05 * scale_ms, 0.15 * scale_ms}},
          scale_ms};
}

}  // namespace sweetspot::tune
