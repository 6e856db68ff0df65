#include "worker/fixed_tokens.hpp"

namespace sweetspot::worker {
namespace {

/// splitmix64's finaliser: well mixed, and the same everywhere.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

}  // namespace

llama_token fixed_token(const llama_vocab* vocab, std::uint64_t position, llama_seq_id sequence) {
  const int count = llama_vocab_n_tokens(vocab);
  if (count <= 0) return 0;
  const bool has_kinds = llama_vocab_type(vocab) != LLAMA_VOCAB_TYPE_NONE;
  constexpr std::uint64_t kAttempts = 8;
  constexpr std::uint64_t kMostPositions = std::uint64_t{1} << 40U;
  const std::uint64_t place =
      (static_cast<std::uint64_t>(sequence) * kMostPositions + position) * kAttempts;
  llama_token token = 0;
  for (std::uint64_t i = 0; i < kAttempts; ++i) {
    token = static_cast<llama_token>(mix(place + i) % static_cast<std::uint64_t>(count));
    if (!has_kinds || !llama_vocab_is_control(vocab, token)) break;
  }
  return token;
}

}  // namespace sweetspot::worker
