// What is asked of a llama-server, and what its answers mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "launch/command.hpp"
#include "launch/http.hpp"

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

/// Body of a completion request whose prompt has `n_prompt` tokens, made of `tokens` over and over.
/// Nothing is taken from the server's prompt cache, so that all of it is computed. Pure.
std::string completion_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_prompt);

/// One server, asked over HTTP. Every call is one request.
class ServerApi {
 public:
  explicit ServerApi(ServerAddress address) : address_(std::move(address)) {}

  /// True once GET /health is 200.
  [[nodiscard]] bool healthy(const HttpPatience& patience) const;

  /// Nothing where the server does not tell (--no-slots, a key that we do not have).
  [[nodiscard]] std::optional<std::vector<Slot>> slots(const HttpPatience& patience) const;

  [[nodiscard]] std::optional<std::vector<std::int64_t>> tokenize(
      std::string_view text, const HttpPatience& patience) const;

  [[nodiscard]] HttpResult complete(const std::vector<std::int64_t>& tokens, std::uint32_t n_prompt,
                                    const HttpPatience& patience) const;

 private:
  [[nodiscard]] HttpResult ask(const char* method, std::string_view path, std::string body,
                               const HttpPatience& patience) const;

  ServerAddress address_;
};

}  // namespace sweetspot::launch
