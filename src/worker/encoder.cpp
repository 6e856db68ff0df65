#include "worker/encoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "worker/fixed_tokens.hpp"
#include "worker/library_log.hpp"

namespace sweetspot::worker {
namespace {

// Pieces of an input would lack what comes after them; only the last token of a causal model has
// seen all of it (llama-server's can_split).
bool takes_pieces(const llama_context& context) {
  return llama_get_memory(&context) != nullptr &&
         llama_pooling_type(&context) == LLAMA_POOLING_TYPE_LAST;
}

}  // namespace

Encoder::Encoder(llama_context& context)
    : context_(context), has_encoder_(llama_model_has_encoder(llama_get_model(&context))) {}

std::uint32_t Encoder::longest() const {
  const std::uint32_t room = llama_n_ctx_seq(&context_);
  return takes_pieces(context_) ? room : std::min(room, llama_n_ubatch(&context_));
}

Answer<void> Encoder::encode(std::uint32_t n_tokens, Phase phase) {
  const llama_vocab* vocab = llama_model_get_vocab(llama_get_model(&context_));
  const auto mark = library_log::mark();
  if (llama_memory_t memory = llama_get_memory(&context_)) llama_memory_clear(memory, false);
  for (std::uint32_t done = 0; done < n_tokens;) {
    const std::uint32_t n = std::min(n_tokens - done, llama_n_batch(&context_));
    std::vector<llama_token> tokens(n);
    for (std::uint32_t i = 0; i < n; ++i) tokens[i] = fixed_token(vocab, done + i, 0);
    std::vector<std::int8_t> outputs(n, 1);
    llama_batch batch = llama_batch_get_one(tokens.data(), static_cast<int>(n));
    batch.logits = outputs.data();
    const int code = has_encoder_ ? llama_encode(&context_, batch) : llama_decode(&context_, batch);
    if (code != 0) {
      const std::string said = library_log::last_problem(mark);
      return fault(FaultCode::decode_failed, phase,
                   fmt::format("{} returned {} for an input of {} tokens{}{}",
                               has_encoder_ ? "llama_encode" : "llama_decode", code, n_tokens,
                               said.empty() ? "" : ": ", said));
    }
    tokens_ = n;
    done += n;
  }
  llama_synchronize(&context_);
  return {};
}

std::span<const float> Encoder::output() const {
  if (tokens_ == 0) return {};
  const llama_model* model = llama_get_model(&context_);
  const bool pooled = llama_pooling_type(&context_) != LLAMA_POOLING_TYPE_NONE;
  const float* values =
      pooled ? llama_get_embeddings_seq(&context_, 0) : llama_get_embeddings_ith(&context_, -1);
  if (values == nullptr) return {};
  const bool score = llama_pooling_type(&context_) == LLAMA_POOLING_TYPE_RANK;
  return {values, score ? llama_model_n_cls_out(model)
                        : static_cast<std::size_t>(llama_model_n_embd_out(model))};
}

bool Encoder::output_is_sound() const {
  const auto values = output();
  return !values.empty() && std::all_of(values.begin(), values.end(),
                                        [](float value) { return std::isfinite(value); });
}

}  // namespace sweetspot::worker
