// Whole inputs through a context that makes embeddings or scores of them: nothing is generated and
// nothing is kept from one input to the next.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "worker/answer.hpp"
#include "worker/llama_adapter.hpp"

namespace sweetspot::worker {

/// Drives a context that was made for embeddings.
class Encoder {
 public:
  explicit Encoder(llama_context& context);

  /// Tokens of the longest input that is taken: one that is not computed piece by piece must fit
  /// into a single batch.
  [[nodiscard]] std::uint32_t longest() const;

  /// Computes one input of fixed tokens, up to its synchronisation.
  Answer<void> encode(std::uint32_t n_tokens, Phase phase);

  /// What the last input became: one vector, a score, or the vector of its last token where nothing
  /// pools them. Empty where there is nothing.
  [[nodiscard]] std::span<const float> output() const;
  /// False where a value is NaN or infinite.
  [[nodiscard]] bool output_is_sound() const;

 private:
  llama_context& context_;
  bool has_encoder_;
  std::uint32_t tokens_ = 0;  ///< of the last input
};

}  // namespace sweetspot::worker
