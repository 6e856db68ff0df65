#include "worker/divergence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sweetspot::worker {
namespace {

constexpr Phase kDivergencePhase = Phase::warm_up;
constexpr std::uint32_t kMostTokens = 256;

/// Plain prose, so that a model is about as sure of the next token as it is in use. At least
/// kMostTokens tokens in every vocabulary seen; a shorter result is filled up with fixed tokens.
constexpr std::string_view kText =
    "The river rises in a small lake high in the mountains and runs north for about forty miles "
    "before it reaches the first town. In spring, when the snow melts, the water is cold and fast, "
    "and the old stone bridge is closed for a few days every year. The people who live there are "
    "used to it. They keep flour, potatoes and firewood in the cellar, and the school sends the "
    "children home with a list of exercises. Nobody is in a hurry. When the bridge opens again, a "
    "line of carts and trucks crosses it from early morning until noon, and the market, which has "
    "been empty for most of the week, is full of voices. There is a baker who has sold bread in "
    "the same corner for thirty years. She says that the flood is good for business, because "
    "after three days of soup everyone wants something fresh. The engineer who looks after the "
    "bridge does not agree. Each summer he measures how far the pillars have moved, writes the "
    "numbers in a notebook, and sends a letter to the capital to ask for money. The answer is "
    "always polite, and it is always the same: the bridge has stood for two hundred years, and it "
    "will surely stand for one more. Last winter he stopped writing letters and started to give "
    "lectures instead. He showed photographs, explained what water does to stone, and asked each "
    "visitor to imagine the valley without a road.";

/// The text in the model's tokens, or the decoder's fixed ones where there is no vocabulary.
std::vector<llama_token> prompt_of(const Decoder& decoder, std::uint32_t count) {
  const llama_vocab* vocab = llama_model_get_vocab(llama_get_model(&decoder.context()));
  std::vector<llama_token> tokens;
  if (llama_vocab_type(vocab) != LLAMA_VOCAB_TYPE_NONE) {
    tokens.resize(kText.size() + 2);
    const int made = llama_tokenize(vocab, kText.data(), static_cast<std::int32_t>(kText.size()),
                                    tokens.data(), static_cast<std::int32_t>(tokens.size()),
                                    /*add_special=*/true, /*parse_special=*/false);
    tokens.resize(static_cast<std::size_t>(std::clamp(made, 0, static_cast<int>(count))));
  }
  const auto have = static_cast<std::uint32_t>(tokens.size());
  for (const llama_token token : decoder.tokens(have, count - have)) tokens.push_back(token);
  return tokens;
}

struct BatchDeleter {
  void operator()(llama_batch* batch) const {
    llama_batch_free(*batch);
    delete batch;
  }
};

/// Tokens [first, first + count) of `tokens` for sequence 0, with logits from `compared_from` on.
void fill_batch(llama_batch& batch, const std::vector<llama_token>& tokens, std::size_t first,
                std::size_t count, std::size_t compared_from) {
  batch.n_tokens = static_cast<std::int32_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    batch.token[i] = tokens[first + i];
    batch.pos[i] = static_cast<llama_pos>(first + i);
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = 0;
    batch.logits[i] = static_cast<std::int8_t>(first + i >= compared_from);
  }
}

Answer<void> take_logits(const Decoder& decoder, const llama_batch& batch, NextTokens& out) {
  for (std::int32_t i = 0; i < batch.n_tokens; ++i) {
    if (batch.logits[i] == 0) continue;
    const std::span row(llama_get_logits_ith(&decoder.context(), i), out.vocab);
    if (!std::all_of(row.begin(), row.end(), [](float logit) { return std::isfinite(logit); })) {
      return fault(FaultCode::non_finite, kDivergencePhase,
                   "the logits of the text are NaN or infinite");
    }
    out.add(row);
  }
  return {};
}

Answer<NextTokens> next_tokens(Decoder& decoder, std::uint32_t count) {
  const std::vector<llama_token> tokens = prompt_of(decoder, count);
  const std::size_t compared_from = tokens.size() / 2;
  const std::size_t step = std::min<std::size_t>(tokens.size(), decoder.batch_size());
  const std::unique_ptr<llama_batch, BatchDeleter> batch(
      new llama_batch(llama_batch_init(static_cast<std::int32_t>(step), 0, 1)));
  NextTokens out;
  out.vocab = static_cast<std::size_t>(
      llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(&decoder.context()))));
  out.log_probabilities.reserve((tokens.size() - compared_from) * out.vocab);
  for (std::size_t first = 0; first < tokens.size(); first += step) {
    fill_batch(*batch, tokens, first, std::min(step, tokens.size() - first), compared_from);
    const int code = llama_decode(&decoder.context(), *batch);
    if (code != 0) {
      return fault(FaultCode::decode_failed, kDivergencePhase,
                   fmt::format("llama_decode returned {} for the text to compare", code));
    }
    if (auto taken = take_logits(decoder, *batch, out); !taken) {
      return tl::unexpected(taken.error());
    }
  }
  return out;
}

tl::unexpected<protocol::Fault> divergence_fault(std::string why) {
  return fault(FaultCode::bad_request, kDivergencePhase, std::move(why));
}

}  // namespace

Answer<protocol::DivergenceResult> divergence(Decoder& decoder,
                                              const protocol::DivergenceRequest& request,
                                              std::optional<NextTokens>& reference) {
  const std::uint32_t most = std::min(kMostTokens, decoder.capacity_alone());
  if (request.tokens < 2 || request.tokens > most) {
    return divergence_fault(
        fmt::format("{} tokens cannot be compared, only 2 to {}", request.tokens, most));
  }
  if (!request.keep_as_reference && !reference) {
    return divergence_fault("there is no reference to compare with");
  }
  decoder.clear();
  auto current = next_tokens(decoder, request.tokens);
  decoder.clear();
  if (!current) return tl::unexpected(current.error());
  protocol::DivergenceResult result;
  result.positions = static_cast<std::uint32_t>(current->positions());
  if (request.keep_as_reference) {
    reference = *std::move(current);
    return result;
  }
  if (reference->vocab != current->vocab || reference->positions() != current->positions()) {
    return divergence_fault(fmt::format("the reference has {} positions of {} tokens, not {} of {}",
                                        reference->positions(), reference->vocab,
                                        current->positions(), current->vocab));
  }
  const Divergence found = divergence_of(*reference, *current);
  result.mean = found.mean;
  result.p99 = found.p99;
  result.max = found.max;
  result.same_top = found.same_top;
  return result;
}

}  // namespace sweetspot::worker
