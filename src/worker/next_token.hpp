// Comparing probabilities of the next token, position by position. Pure; no llama.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sweetspot::worker {

/// Natural logarithms of the probabilities that logits stand for (softmax), one row per position.
struct NextTokens {
  std::size_t vocab = 0;
  std::vector<float> log_probabilities;  ///< positions x vocab

  [[nodiscard]] std::size_t positions() const {
    return vocab == 0 ? 0 : log_probabilities.size() / vocab;
  }
  [[nodiscard]] std::span<const float> row(std::size_t position) const {
    return std::span(log_probabilities).subspan(position * vocab, vocab);
  }
  /// `logits` has `vocab` finite values.
  void add(std::span<const float> logits);
};

/// How far `current` is from `reference`, over positions; in nats.
struct Divergence {
  double mean = 0;
  double p99 = 0;  ///< the smallest that at least 99 % of the positions do not exceed
  double max = 0;
  double same_top = 1;  ///< share of positions with the same most probable token
};

/// Kullback-Leibler divergence D(reference || current) = sum of p (log p - log q) at each position;
/// rounding below 0 counts as 0. Both must have the same size, and at least one position.
Divergence divergence_of(const NextTokens& reference, const NextTokens& current);

}  // namespace sweetspot::worker
