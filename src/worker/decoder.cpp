#include "worker/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "worker/library_log.hpp"

namespace sweetspot::worker {
namespace {

/// splitmix64's finaliser: well mixed, and the same everywhere.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

bool goes_back_in_part(const llama_model* model) {
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) &&
         llama_model_n_swa(model) == 0;
}

llama_token token_at(const llama_vocab* vocab, std::uint64_t position) {
  const int count = llama_vocab_n_tokens(vocab);
  if (count <= 0) return 0;
  const bool has_kinds = llama_vocab_type(vocab) != LLAMA_VOCAB_TYPE_NONE;
  constexpr std::uint64_t kAttempts = 8;
  llama_token token = 0;
  for (std::uint64_t i = 0; i < kAttempts; ++i) {
    token =
        static_cast<llama_token>(mix(position * kAttempts + i) % static_cast<std::uint64_t>(count));
    if (!has_kinds || !llama_vocab_is_control(vocab, token)) break;
  }
  return token;
}

}  // namespace

Decoder::Decoder(llama_context& context)
    : context_(context),
      vocab_(llama_model_get_vocab(llama_get_model(&context))),
      can_rewind_(goes_back_in_part(llama_get_model(&context))) {}

std::uint32_t Decoder::depth() const {
  return static_cast<std::uint32_t>(llama_memory_seq_pos_max(llama_get_memory(&context_), 0) + 1);
}

std::vector<llama_token> Decoder::tokens(std::uint32_t first, std::uint32_t count) const {
  std::vector<llama_token> out(count);
  for (std::uint32_t i = 0; i < count; ++i) out[i] = token_at(vocab_, std::uint64_t{first} + i);
  return out;
}

Answer<void> Decoder::submit(std::span<llama_token> tokens, Phase phase) {
  const auto mark = library_log::mark();
  while (!tokens.empty()) {
    const std::size_t n = std::min<std::size_t>(tokens.size(), batch_size());
    const int code =
        llama_decode(&context_, llama_batch_get_one(tokens.data(), static_cast<std::int32_t>(n)));
    if (code != 0) {
      const std::string said = library_log::last_problem(mark);
      std::string message =
          fmt::format("llama_decode returned {} for {} tokens after {} in the cache{}{}", code, n,
                      depth(), said.empty() ? "" : ": ", said);
      clear();
      return fault(FaultCode::decode_failed, phase, std::move(message));
    }
    tokens = tokens.subspan(n);
  }
  return {};
}

Answer<void> Decoder::set_depth(std::uint32_t target, Phase phase, const std::atomic<bool>& stopped,
                                Reply& reply) {
  if (rewind(target) || restore(target)) return {};
  while (depth() < target && !stopped) {
    const std::uint32_t here = depth();
    reply.progress(phase, -1);
    auto next = tokens(here, std::min(target - here, batch_size()));
    if (auto done = submit(next, phase); !done) return done;
    synchronize();
  }
  if (!can_rewind_ && depth() == target) remember(target);
  return {};
}

bool Decoder::rewind(std::uint32_t target) {
  if (depth() == target) return true;
  if (depth() > target && target > 0 && can_rewind_ &&
      llama_memory_seq_rm(llama_get_memory(&context_), 0, static_cast<llama_pos>(target), -1)) {
    return true;
  }
  // A shallower cache is filled up from where it is.
  if (depth() > target) clear();
  return depth() == target;
}

bool Decoder::restore(std::uint32_t target) {
  if (snapshot_.empty() || snapshot_depth_ != target) return false;
  clear();
  if (llama_state_seq_set_data(&context_, snapshot_.data(), snapshot_.size(), 0) > 0 &&
      depth() == target) {
    return true;
  }
  snapshot_.clear();
  clear();
  return false;
}

void Decoder::remember(std::uint32_t target) {
  snapshot_.resize(llama_state_seq_get_size(&context_, 0));
  snapshot_depth_ = target;
  const std::size_t taken =
      llama_state_seq_get_data(&context_, snapshot_.data(), snapshot_.size(), 0);
  snapshot_.resize(taken);
}

void Decoder::clear() { llama_memory_clear(llama_get_memory(&context_), false); }

std::span<const float> Decoder::logits() const {
  const float* row = llama_get_logits_ith(&context_, -1);
  const int count = llama_vocab_n_tokens(vocab_);
  if (row == nullptr || count <= 0) return {};
  return {row, static_cast<std::size_t>(count)};
}

bool Decoder::logits_are_sound() const {
  const auto row = logits();
  const auto sound = [](float value) { return std::isfinite(value); };
  if (row.empty() || !std::all_of(row.begin(), row.end(), sound)) return false;
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  return row.size() == 1 || *low != *high;
}

}  // namespace sweetspot::worker
