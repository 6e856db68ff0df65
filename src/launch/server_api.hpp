// What is asked of a llama-server, and what its answers mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/client.hpp"
#include "launch/command.hpp"

namespace sweetspot::launch {

/// What a server says of one of its slots.
struct Slot {
  std::uint32_t n_ctx = 0;  ///< 0 where it does not say
  bool processing = false;
};

/// Body of GET /slots, of POST /tokenize. Nothing where it is of another form. Pure.
std::optional<std::vector<Slot>> parse_slots(std::string_view body);
std::optional<std::vector<std::int64_t>> parse_tokens(std::string_view body);

/// "error.message" of an answer that is an error; empty where there is none. Pure, escaped.
std::string error_text(std::string_view body);

/// "usage.prompt_tokens" of an answer: what an embedding or a score was made of. Pure.
std::optional<std::uint32_t> tokens_read(std::string_view body);

/// Body of a completion request whose prompt has `n_prompt` tokens, made of `tokens` over and over.
/// Nothing is taken from the server's prompt cache, so that all of it is computed. Pure.
std::string completion_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_prompt);

/// Bodies of an embedding request of that many tokens, as OpenAI has it and as llama.cpp's own
/// endpoint takes it, and of a reranking request of one document. Pure.
std::string embedding_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_input);
std::string plain_embedding_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_input);
std::string reranking_body(std::string_view query, std::string_view document);

/// One server, asked over HTTP. Every call is one request.
class ServerApi {
 public:
  explicit ServerApi(ServerAddress address) : address_(std::move(address)) {}

  /// True once GET /health is 200.
  [[nodiscard]] bool healthy(const http::Patience& patience) const;

  /// Nothing where the server does not tell (--no-slots, a key that we do not have).
  [[nodiscard]] std::optional<std::vector<Slot>> slots(const http::Patience& patience) const;

  [[nodiscard]] std::optional<std::vector<std::int64_t>> tokenize(
      std::string_view text, const http::Patience& patience) const;

  [[nodiscard]] http::Reply complete(const std::vector<std::int64_t>& tokens,
                                     std::uint32_t n_prompt, const http::Patience& patience) const;

  /// An input made of `tokens` over and over becomes a vector: by /v1/embeddings, and where nothing
  /// pools the vectors of its tokens, which that does not take, by /embeddings.
  [[nodiscard]] http::Reply embed(const std::vector<std::int64_t>& tokens, std::uint32_t n_input,
                                  const http::Patience& patience) const;

  [[nodiscard]] http::Reply rerank(std::string_view query, std::string_view document,
                                   const http::Patience& patience) const;

 private:
  [[nodiscard]] http::Reply ask(const char* method, std::string_view path, std::string body,
                                const http::Patience& patience) const;

  ServerAddress address_;
};

}  // namespace sweetspot::launch
