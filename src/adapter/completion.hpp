// What llama-server is asked to generate, and what it answers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::adapter {

/// One request to /completion: greedy, and not ended by an end token.
struct CompletionAsk {
  std::vector<std::int32_t> tokens;
  std::uint32_t n_predict = 1;
  std::uint32_t slot = 0;
  bool keep_prefix =
      false;  ///< what the slot's cache has in common with the prompt is not computed
  /// Generated whatever is most probable. A token whose text is a part of a character is sent with
  /// no event and no probabilities.
  std::optional<std::int32_t> forced = {};
  std::uint32_t n_probs = 0;  ///< most probable tokens to tell, by their logarithms
  bool stream = true;  ///< an event for each token, with times, and for each batch of the prompt
};

std::string completion_body(const CompletionAsk& ask);

/// As the server counts them, cumulative. The first token counts as part of the prompt, so that
/// predicted_ms spans one step less than there are tokens.
struct Timings {
  std::uint32_t prompt_n = 0;  ///< tokens computed, without those found in the cache
  double prompt_ms = 0;
  std::uint32_t predicted_n = 0;
  double predicted_ms = 0;
};

/// What one event of a stream says, or a whole answer.
struct CompletionEvent {
  bool last = false;
  std::optional<Timings> timings;      ///< absent in old servers until the last event
  std::optional<double> progress;      ///< share of the prompt that is computed, 0..1
  std::uint32_t tokens_predicted = 0;  ///< so far
  std::string error;                   ///< what the server says went wrong; empty = nothing
};

/// Nothing where it is no object, or of another form.
std::optional<CompletionEvent> parse_completion(std::string_view json);

/// Tokens that a stream has by now, where it had `before`: old servers do not count them, and send
/// an event for each.
std::uint32_t tokens_by_now(const CompletionEvent& event, std::uint32_t before);

/// The logarithm of the probability of a token.
struct TokenLogprob {
  std::int32_t id = 0;
  double logprob = 0;  ///< NaN where the server had no number
};

/// The most probable tokens in place of the first one that was generated, as the server ranks them.
/// Nothing where the answer has none with ids (old servers have texts only).
std::optional<std::vector<TokenLogprob>> parse_logprobs(std::string_view json);

/// The last of the tokens that /tokenize makes of a text.
std::optional<std::int32_t> parse_last_token(std::string_view json);

/// "error.message" of an answer whose status says that it is one; the whole text where it is of
/// another form.
std::string error_of(std::string_view body);

}  // namespace sweetspot::adapter
