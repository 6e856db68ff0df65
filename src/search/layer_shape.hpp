// How a layer count looks to the time model: shares of what a token reads, by where it lies.
#pragma once

#include <vector>

#include "core/model_info.hpp"
#include "core/sweep_record.hpp"
#include "search/time_model.hpp"

namespace sweetspot::search {

/// Bytes of a block that one token reads: of its experts only those that are used.
double read_bytes(const ModelInfo& model, const LayerSize& layer);

/// The part of read_bytes() that is experts.
double used_expert_bytes(const ModelInfo& model, const LayerSize& layer);

/// Generating a token reads the weights of every block and of the output once (of experts only
/// those used), so shares of bytes are shares of work. llama.cpp counts the output first, then the
/// blocks from the last: n_gpu_layers = 1 moves the output alone.
class LayerShape {
 public:
  explicit LayerShape(const ModelInfo& model);

  [[nodiscard]] int offloadable() const { return offloadable_; }

  /// Share of a token's reads that stays on the CPU, 0..1.
  [[nodiscard]] double cpu_share(int layers) const;

  /// Share of the blocks' reads that a device does, 0..1; the output does not count.
  [[nodiscard]] double device_share(int layers) const;

  /// basis: 1; share of the blocks on the device; 1 for the CPU alone; 1 for all on the device.
  /// position: share of the blocks on the device.
  [[nodiscard]] Features features(int layers) const;

  /// What is believed before anything is measured: a device may be a hundred times faster than the
  /// CPU or slower, and crossing to it may cost as much as a whole token.
  [[nodiscard]] TimePrior prior(double scale_ms) const;

  /// The coefficients by name, with what they mean.
  [[nodiscard]] TimeModelRecord describe(const TimeModel& model, std::size_t observations) const;

 private:
  int offloadable_ = 0;
  std::vector<double> block_share_;  ///< by block; with output_share_ they sum to 1
  double output_share_ = 0;
};

}  // namespace sweetspot::search
