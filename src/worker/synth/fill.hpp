// Random weights at the speed of memcpy: a pool is quantized once per type, tensors are put
// together from its blocks.
#pragma once

#include <ggml.h>

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace sweetspot::worker {

/// What a tensor is filled with.
enum class Filling {
  weights,  ///< normal, mean 0, the given deviation
  small,    ///< normal, mean 0, deviation 0.02
  ones,
};

/// What a tensor of a copied model is filled with, by its name and type.
Filling filling_of(std::string_view name, ggml_type type, std::size_t dimensions);

/// Of random weights: 1 / sqrt(width) keeps activations near 1 however wide and deep the model is.
float deviation_for(double width);

/// True where ggml can quantize to this type without an importance matrix.
bool can_fill(ggml_type type);

/// Fills buffers of whole blocks. The same seed and calls give the same bytes. Not thread safe.
class WeightFiller {
 public:
  WeightFiller(std::uint64_t seed, float deviation) : state_(seed), deviation_(deviation) {}

  /// `out.size()` must be a multiple of the type's block size. `ones` needs f32, f16 or bf16.
  void fill(ggml_type type, Filling filling, std::span<std::uint8_t> out);

 private:
  std::uint64_t next();
  const std::vector<std::uint8_t>& pool(ggml_type type, Filling filling);

  std::uint64_t state_;
  float deviation_;
  std::map<std::pair<ggml_type, Filling>, std::vector<std::uint8_t>> pools_;
};

}  // namespace sweetspot::worker
