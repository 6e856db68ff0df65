#include "adapter/completion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "adapter/answer_json.hpp"

namespace sweetspot::adapter {
namespace {

double number(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  // Rates and times of nothing are null in some builds.
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::uint32_t count(const nlohmann::json& object, const char* name) {
  const double value = number(object, name);
  const bool fits = value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
  return fits ? static_cast<std::uint32_t>(value) : 0;
}

std::string message_in(const nlohmann::json& error) {
  if (error.is_string()) return error.get<std::string>();
  if (error.is_object()) {
    const auto message = error.find("message");
    if (message != error.end() && message->is_string()) return message->get<std::string>();
  }
  return error.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::optional<double> progress_in(const nlohmann::json& event) {
  const auto progress = event.find("prompt_progress");
  if (progress == event.end() || !progress->is_object()) return std::nullopt;
  const double total = number(*progress, "total");
  if (!(total > 0)) return std::nullopt;
  return std::clamp(number(*progress, "processed") / total, 0.0, 1.0);
}

}  // namespace

std::string completion_body(const CompletionAsk& ask) {
  nlohmann::json body = {{"prompt", ask.tokens},
                         {"n_predict", ask.n_predict},
                         {"id_slot", ask.slot},
                         {"cache_prompt", ask.keep_prefix},
                         {"ignore_eos", true},
                         {"temperature", 0},
                         {"top_k", 1},
                         {"samplers", {"top_k"}},
                         {"seed", 1}};
  if (ask.forced) {
    constexpr double kMoreThanAny = 1e6;
    using Json = nlohmann::json;
    body["logit_bias"] = Json::array({Json::array({*ask.forced, kMoreThanAny})});
  }
  if (ask.n_probs > 0) body["n_probs"] = ask.n_probs;
  if (ask.stream) {
    body["stream"] = true;
    body["timings_per_token"] = true;
    body["return_progress"] = true;
  }
  return body.dump();
}

std::optional<CompletionEvent> parse_completion(std::string_view json) {
  const nlohmann::json object = parse_json(json);
  if (!object.is_object()) return std::nullopt;
  CompletionEvent event;
  if (const auto error = object.find("error"); error != object.end()) {
    event.error = message_in(*error);
    return event;
  }
  const auto stop = object.find("stop");
  event.last = stop != object.end() && stop->is_boolean() && stop->get<bool>();
  event.tokens_predicted = count(object, "tokens_predicted");
  event.progress = progress_in(object);
  const auto timings = object.find("timings");
  if (timings != object.end() && timings->is_object()) {
    event.timings = Timings{count(*timings, "prompt_n"), number(*timings, "prompt_ms"),
                            count(*timings, "predicted_n"), number(*timings, "predicted_ms")};
  }
  return event;
}

std::uint32_t tokens_by_now(const CompletionEvent& event, std::uint32_t before) {
  if (event.timings) return event.timings->predicted_n;
  if (event.progress || event.tokens_predicted > 0) return event.tokens_predicted;
  return before + 1;
}

std::optional<std::vector<TokenLogprob>> parse_logprobs(std::string_view json) {
  const nlohmann::json object = parse_json(json);
  if (!object.is_object()) return std::nullopt;
  const auto all = object.find("completion_probabilities");
  if (all == object.end() || !all->is_array() || all->empty()) return std::nullopt;
  const nlohmann::json& first = all->front();
  if (!first.is_object()) return std::nullopt;
  const auto top = first.find("top_logprobs");
  if (top == first.end() || !top->is_array() || top->empty()) return std::nullopt;
  std::vector<TokenLogprob> tokens;
  tokens.reserve(top->size());
  for (const nlohmann::json& each : *top) {
    if (!each.is_object()) return std::nullopt;
    const auto id = each.find("id");
    const auto logprob = each.find("logprob");
    if (id == each.end() || !id->is_number_integer() || logprob == each.end()) return std::nullopt;
    tokens.push_back({id->get<std::int32_t>(), logprob->is_number()
                                                   ? logprob->get<double>()
                                                   : std::numeric_limits<double>::quiet_NaN()});
  }
  return tokens;
}

std::optional<std::int32_t> parse_last_token(std::string_view json) {
  const nlohmann::json object = parse_json(json);
  if (!object.is_object()) return std::nullopt;
  const auto tokens = object.find("tokens");
  if (tokens == object.end() || !tokens->is_array() || tokens->empty()) return std::nullopt;
  const nlohmann::json& last = tokens->back();
  return last.is_number_integer() ? std::optional(last.get<std::int32_t>()) : std::nullopt;
}

std::string error_of(std::string_view body) {
  const nlohmann::json object = parse_json(body);
  if (object.is_object()) {
    const auto error = object.find("error");
    if (error != object.end()) return message_in(*error);
  }
  return std::string(body.substr(0, 400));
}

}  // namespace sweetspot::adapter
