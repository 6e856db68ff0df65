// How a placement looks to the time model: where the attention and the feed-forward part of every
// block lie, and how often a token crosses between the CPU and a device.
#pragma once

#include <algorithm>

#include "core/config.hpp"
#include "core/model_info.hpp"
#include "search/layer_shape.hpp"
#include "search/time_model.hpp"

namespace sweetspot::tune {

/// Blocks, counted from the first, whose experts (or, dense, feed-forward weights) stay on the CPU.
inline int kept_on_cpu(const Placement& placement) {
  return std::max(placement.n_cpu_moe, placement.n_cpu_ffn);
}

/// What of the model lies on devices. llama.cpp takes blocks from the last one on, and keeps the
/// feed-forward part of the first ones on the CPU: of two placements with equal or more layers and
/// feed-forward parts one has all that the other has.
struct DeviceParts {
  int layers = 0;  ///< the output is one
  int feed_forwards = 0;

  bool operator==(const DeviceParts&) const = default;
  [[nodiscard]] int count() const { return layers + feed_forwards; }
  [[nodiscard]] bool has_more_than(const DeviceParts& other) const {
    return layers >= other.layers && feed_forwards >= other.feed_forwards && *this != other;
  }
};

/// Knows n_gpu_layers, n_cpu_moe and n_cpu_ffn; what else a placement says is taken to be the same
/// for all that are compared.
class PlacementShape {
 public:
  explicit PlacementShape(const ModelInfo& model);

  [[nodiscard]] int offloadable() const { return layers_.offloadable(); }

  /// Blocks of a device whose feed-forward part is computed on the CPU.
  [[nodiscard]] int split_blocks(const Placement& placement) const;

  [[nodiscard]] DeviceParts on_device(const Placement& placement) const;

  /// Share of a token's reads that stays on the CPU, 0..1.
  [[nodiscard]] double cpu_share(const Placement& placement) const;

  /// Into the basis of features().
  static constexpr std::size_t kCpuAlone = 4;
  static constexpr std::size_t kAllOnDevice = 5;

  /// basis: 1; share of the blocks on the device; share of the feed-forward work of all blocks that
  /// stays behind on the CPU; share of blocks with two more crossings; 1 for the CPU alone; 1 for
  /// everything on the device. position: the first two and the third.
  [[nodiscard]] search::Features features(const Placement& placement) const;

  [[nodiscard]] search::TimePrior prior(double scale_ms) const;

 private:
  search::LayerShape layers_;
  int blocks_ = 0;
  double ffn_share_ = 0;  ///< of a block's reads that are feed-forward or experts
};

}  // namespace sweetspot::tune
