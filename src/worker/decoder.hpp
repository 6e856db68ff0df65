// Decoding a fixed stream of tokens, and setting the cache to a known depth.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "worker/answer.hpp"
#include "worker/llama_adapter.hpp"
#include "worker/outbox.hpp"

namespace sweetspot::worker {

/// Drives sequence 0 of one context. The token at a position is a function of the position and the
/// vocabulary only, so a cache of n tokens always holds the same, however it came about.
class Decoder {
 public:
  explicit Decoder(llama_context& context);

  /// Tokens in the cache.
  [[nodiscard]] std::uint32_t depth() const;
  /// Most tokens the cache can hold.
  [[nodiscard]] std::uint32_t capacity() const { return llama_n_ctx_seq(&context_); }
  [[nodiscard]] std::uint32_t batch_size() const { return llama_n_batch(&context_); }
  [[nodiscard]] llama_context& context() const { return context_; }

  /// The stream's tokens at `first`, `first` + 1, ...
  [[nodiscard]] std::vector<llama_token> tokens(std::uint32_t first, std::uint32_t count) const;

  /// Appends `tokens` in batches of n_batch; nothing waits for the device.
  Answer<void> submit(std::span<llama_token> tokens, Phase phase);
  void synchronize() { llama_synchronize(&context_); }

  /// Sets the cache to exactly `target` tokens: rewinds, restores or decodes. Ends early, with
  /// fewer, where `stopped` becomes true.
  Answer<void> set_depth(std::uint32_t target, Phase phase, const std::atomic<bool>& stopped,
                         Reply& reply);
  void clear();

  /// Logits of the last token decoded; empty where there are none.
  [[nodiscard]] std::span<const float> logits() const;
  /// False where a logit is NaN or infinite, and where all are exactly alike: ggml's quantized
  /// kernels turn a hidden state of NaN into one of zeros, so that the logits of a broken model
  /// look finite.
  [[nodiscard]] bool logits_are_sound() const;

 private:
  [[nodiscard]] bool rewind(std::uint32_t target);
  [[nodiscard]] bool restore(std::uint32_t target);
  void remember(std::uint32_t target);

  llama_context& context_;
  const llama_vocab* vocab_;
  bool can_rewind_;  ///< false: recurrent or sliding-window state, which does not go back in part
  std::vector<std::uint8_t> snapshot_;  ///< state at snapshot_depth_, where rewinding is impossible
  std::uint32_t snapshot_depth_ = 0;
};

}  // namespace sweetspot::worker
