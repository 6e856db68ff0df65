// Decoding a fixed stream of tokens, and setting the cache to a known depth.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "worker/answer.hpp"
#include "worker/llama_adapter.hpp"

namespace sweetspot::worker {

/// Consecutive sequences whose tokens take turns in a batch.
struct Sequences {
  llama_seq_id first = 0;
  std::uint32_t count = 1;
};

/// Drives the sequences of one context. The token at a position is a function of the position, the
/// sequence and the vocabulary only. Sequences differ, or a mixture of experts would need fewer of
/// them for several tokens than it does in use.
class Decoder {
 public:
  explicit Decoder(llama_context& context);

  /// All sequences of the context.
  [[nodiscard]] Sequences all() const { return {0, llama_n_seq_max(&context_)}; }
  /// Tokens in the cache of one sequence.
  [[nodiscard]] std::uint32_t depth(llama_seq_id sequence = 0) const;
  /// Most tokens that all sequences can hold at once, each of them.
  [[nodiscard]] std::uint32_t capacity() const;
  /// Most tokens that one sequence can hold while the others hold none.
  [[nodiscard]] std::uint32_t capacity_alone() const { return llama_n_ctx_seq(&context_); }
  [[nodiscard]] std::uint32_t batch_size() const { return llama_n_batch(&context_); }
  [[nodiscard]] llama_context& context() const { return context_; }

  /// The tokens of `sequences` at position `first`, then at `first` + 1, ...: at each position one
  /// of each sequence.
  [[nodiscard]] std::vector<llama_token> tokens(std::uint32_t first, std::uint32_t positions,
                                                Sequences sequences = {}) const;

  /// Appends `tokens`, in that order, to `sequences` in batches of n_batch; nothing waits for the
  /// device.
  Answer<void> submit(std::span<llama_token> tokens, Phase phase, Sequences sequences = {});
  void synchronize() { llama_synchronize(&context_); }

  /// Sets every sequence to exactly `target` tokens: rewinds, restores or decodes. What one
  /// sequence decoded is copied to the others where llama.cpp takes it. Ends early, with fewer,
  /// where `stopped` becomes true.
  Answer<void> set_depth(std::uint32_t target, Phase phase, const std::atomic<bool>& stopped,
                         Reply& reply);
  void clear();

  /// Logits of the last token decoded, or of one before it; empty where there are none.
  [[nodiscard]] std::span<const float> logits(std::uint32_t before_last = 0) const;
  /// False where a logit of the last token of a sequence is NaN or infinite, and where all are
  /// exactly alike: ggml's quantized kernels turn a hidden state of NaN into one of zeros, so that
  /// the logits of a broken model look finite.
  [[nodiscard]] bool logits_are_sound() const;

 private:
  Answer<void> set_depth_of(llama_seq_id sequence, std::uint32_t target, Phase phase,
                            const std::atomic<bool>& stopped, Reply& reply);
  [[nodiscard]] bool rewind(llama_seq_id sequence, std::uint32_t target);
  [[nodiscard]] bool restore(llama_seq_id sequence, std::uint32_t target);
  void remember(llama_seq_id sequence, std::uint32_t target);
  void forget();
  [[nodiscard]] llama_memory_t memory() const { return llama_get_memory(&context_); }

  llama_context& context_;
  const llama_vocab* vocab_;
  bool can_rewind_;  ///< false: recurrent or sliding-window state, which does not go back in part
  /// State of a sequence at snapshot_depth_: kept where rewinding is impossible, else only while
  /// it is copied to the other sequences.
  std::vector<std::uint8_t> snapshot_;
  std::uint32_t snapshot_depth_ = 0;
  std::uint32_t outputs_ = 0;  ///< tokens at the end of the last batch that have logits
};

}  // namespace sweetspot::worker
