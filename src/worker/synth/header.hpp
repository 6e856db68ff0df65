// The header of a synthetic model: metadata and tensor list, before any data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/answer.hpp"
#include "worker/gguf/file.hpp"
#include "worker/synth/fill.hpp"

namespace sweetspot::worker {

struct SynthHeader {
  GgufHandle gguf;
  std::vector<Filling> fillings;  ///< by tensor
  std::uint64_t data_bytes = 0;   ///< of all tensors with their padding
  std::uint64_t n_params = 0;
  std::size_t alignment = GGUF_DEFAULT_ALIGNMENT;
  /// Of the weights: 1 / sqrt(width) keeps activations near 1 however wide and deep the model is.
  float deviation = 0.02F;
};

/// From a geometry; what is wrong with it is a bad_request.
Answer<SynthHeader> header_from(const protocol::SynthRequest& request);

/// Metadata and tensors of the GGUF at like_path, of which only the header need be there: all of
/// them, or those of its first blocks.
Answer<SynthHeader> header_like(const protocol::SynthRequest& request, HeaderReader read_header);

}  // namespace sweetspot::worker
