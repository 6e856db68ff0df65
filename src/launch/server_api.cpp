#include "launch/server_api.hpp"

#include <utility>

#include "core/json.hpp"
#include "core/ranges.hpp"
#include "core/text.hpp"

namespace sweetspot::launch {
namespace {

// A count that a server says; nothing where it cannot be one.
std::optional<std::uint32_t> plausible_tokens(const Json& number) {
  if (!number.is_number_unsigned()) return std::nullopt;
  const auto count = number.get<std::uint64_t>();
  if (count > kPlausibleTokens.high) return std::nullopt;
  return static_cast<std::uint32_t>(count);
}

}  // namespace

std::optional<std::vector<Slot>> parse_slots(std::string_view body) {
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_array()) return std::nullopt;
  std::vector<Slot> slots;
  slots.reserve(json->size());
  for (const Json& each : *json) {
    if (!each.is_object()) return std::nullopt;
    Slot slot;
    const auto n_ctx = each.find("n_ctx");
    if (n_ctx != each.end()) slot.n_ctx = plausible_tokens(*n_ctx).value_or(0);
    const auto processing = each.find("is_processing");
    slot.processing =
        processing != each.end() && processing->is_boolean() && processing->get<bool>();
    slots.push_back(slot);
  }
  return slots;
}

std::optional<std::vector<std::int64_t>> parse_tokens(std::string_view body) {
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object() || !json->contains("tokens")) return std::nullopt;
  const Json& list = (*json)["tokens"];
  if (!list.is_array()) return std::nullopt;
  std::vector<std::int64_t> tokens;
  tokens.reserve(list.size());
  for (const Json& token : list) {
    if (!token.is_number_integer()) return std::nullopt;
    tokens.push_back(token.get<std::int64_t>());
  }
  return tokens;
}

std::optional<std::uint32_t> tokens_read(std::string_view body) {
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object() || !json->contains("usage")) return std::nullopt;
  const Json& usage = (*json)["usage"];
  if (!usage.is_object() || !usage.contains("prompt_tokens")) return std::nullopt;
  const Json& tokens = usage["prompt_tokens"];
  return plausible_tokens(tokens);
}

std::string error_text(std::string_view body) {
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object() || !json->contains("error")) return {};
  const Json& problem = (*json)["error"];
  if (!problem.is_object() || !problem.contains("message")) return {};
  return problem["message"].is_string() ? printable(problem["message"].get<std::string>())
                                        : std::string();
}

namespace {

Json repeated(const std::vector<std::int64_t>& tokens, std::uint32_t count) {
  Json list = Json::array();
  for (std::uint32_t i = 0; i < count; ++i) list.push_back(tokens[i % tokens.size()]);
  return list;
}

}  // namespace

std::string completion_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_prompt) {
  Json body;
  body["prompt"] = repeated(tokens, n_prompt);
  body["n_predict"] = 2;
  body["cache_prompt"] = false;
  body["temperature"] = 0;
  return dump(body);
}

std::string embedding_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_input) {
  Json body;
  body["input"] = repeated(tokens, n_input);
  return dump(body);
}

std::string plain_embedding_body(const std::vector<std::int64_t>& tokens, std::uint32_t n_input) {
  Json body;
  body["content"] = repeated(tokens, n_input);
  return dump(body);
}

std::string reranking_body(std::string_view query, std::string_view document) {
  Json body;
  body["query"] = std::string(query);
  body["documents"] = Json::array({std::string(document)});
  return dump(body);
}

http::Reply ServerApi::ask(const char* method, std::string_view path, std::string body,
                           const http::Patience& patience) const {
  http::Request request;
  request.method = method;
  request.path = address_.prefix + std::string(path);
  request.body = std::move(body);
  request.api_key = address_.api_key;
  return http::send(address_.ask, request, patience);
}

bool ServerApi::healthy(const http::Patience& patience) const {
  constexpr int kOk = 200;
  const http::Reply answer = ask("GET", "/health", {}, patience);
  return answer && answer->status == kOk;
}

std::optional<std::vector<Slot>> ServerApi::slots(const http::Patience& patience) const {
  const http::Reply answer = ask("GET", "/slots", {}, patience);
  return answer ? parse_slots(answer->body) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> ServerApi::tokenize(std::string_view text,
                                                             const http::Patience& patience) const {
  Json body;
  body["content"] = std::string(text);
  const http::Reply answer = ask("POST", "/tokenize", dump(body), patience);
  return answer ? parse_tokens(answer->body) : std::nullopt;
}

http::Reply ServerApi::complete(const std::vector<std::int64_t>& tokens, std::uint32_t n_prompt,
                                const http::Patience& patience) const {
  return ask("POST", "/completion", completion_body(tokens, n_prompt), patience);
}

http::Reply ServerApi::embed(const std::vector<std::int64_t>& tokens, std::uint32_t n_input,
                             const http::Patience& patience) const {
  constexpr int kInvalidRequest = 400;
  http::Reply answer = ask("POST", "/v1/embeddings", embedding_body(tokens, n_input), patience);
  if (!answer || answer->status != kInvalidRequest) return answer;
  return ask("POST", "/embeddings", plain_embedding_body(tokens, n_input), patience);
}

http::Reply ServerApi::rerank(std::string_view query, std::string_view document,
                              const http::Patience& patience) const {
  return ask("POST", "/v1/rerank", reranking_body(query, document), patience);
}

}  // namespace sweetspot::launch
