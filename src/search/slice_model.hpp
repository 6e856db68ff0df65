// Predicting every layer count from slices: models of a few of the same blocks (protocol::Slice).
//
// A token's time is a sum over what it passes: the blocks, the output, and what is left when both
// are taken off. Slices of two sizes tell the blocks from the rest, a third one with more rows of
// the vocabulary tells the output. Measured on the CPU, on the device and on both, they give every
// placement between:
//
//   t(0)      = F_cpu    + output_cpu    + all blocks on the CPU
//   t(L)      = F_mixed  + output_device + first n - (L - 1) blocks on the CPU, the others not
//   t(n + 1)  = F_device + output_device + all blocks on the device
//
// llama.cpp 0.7.0 offloads the output first and then the blocks from the last one on (seen in its
// own memory maps, `map`). Pure functions; milliseconds per token throughout.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model_info.hpp"
#include "core/reading.hpp"

namespace sweetspot::search {

struct SliceRules {
  double largest_share = 0.1;  ///< of the model's weights that one slice may hold
  /// Weights read per token must be this many times the cache, or a slice would be timed in it: a
  /// whole model never is.
  double times_cache = 2;
};

/// Consecutive blocks and rows of the vocabulary.
struct SliceSize {
  int first_block = 0;
  int blocks = 0;
  std::uint32_t vocab_rows = 0;

  bool operator==(const SliceSize&) const = default;
};

/// Which slices to measure.
struct SlicePlan {
  SliceSize small;
  SliceSize large;                ///< the same first block and rows, more blocks
  std::optional<SliceSize> rows;  ///< the small one with more rows; none where it has all
  std::uint64_t model_bytes = 0;
  std::uint64_t largest_bytes = 0;  ///< of the weights of the largest of the three
  /// The check: what the blocks of the small slice read for one token, and the cache it must not
  /// fit in.
  std::uint64_t small_read_bytes = 0;
  std::uint64_t cache_bytes = 0;
  std::vector<std::string> notes;  ///< which blocks differ and what that costs
};

/// The sizes: the small slice as small as the cache allows, the large one as large as the share
/// does, where the added blocks are most like the whole model's. Absent, with one sentence, where
/// no two slices satisfy both.
Reading<SlicePlan> plan_slices(const ModelInfo& model, const Reading<std::uint64_t>& cache_bytes,
                               const SliceRules& rules = {});

/// Blocks of the large slice that are on the device in the mixed measurement; the output is too.
int mixed_blocks(const SlicePlan& plan);

/// Milliseconds per token of the slices in one kind of place.
struct SliceTimes {
  double small = 0;
  double large = 0;
  double rows = 0;  ///< as small where the plan has none
};

struct MeasuredSlices {
  SliceTimes cpu;
  std::optional<SliceTimes> device;  ///< all layers offloaded
  double mixed = 0;                  ///< of the large one; only with device
};

/// What the times come apart to. A block is one that reads the mean of all blocks. Small costs may
/// come out below 0 by noise.
struct SliceCosts {
  double cpu_block_ms = 0;
  double cpu_output_ms = 0;
  double cpu_rest_ms = 0;
  double device_block_ms = 0;
  double device_output_ms = 0;
  double device_rest_ms = 0;
  double mixed_rest_ms = 0;  ///< minus device_rest_ms = what a crossing amid the blocks costs
};

SliceCosts costs_of(const ModelInfo& model, const SlicePlan& plan, const MeasuredSlices& measured);

/// For 0, 1, ... blocks + 1 layers; for 0 alone where no device was measured. Never below 0.
std::vector<double> times_by_layers(const ModelInfo& model, const SlicePlan& plan,
                                    const MeasuredSlices& measured);

}  // namespace sweetspot::search
