#include "adapter/output.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "answering/output_check.hpp"

namespace sweetspot::adapter {
namespace {

using answering::kCheckTokens;
using answering::kCheckValues;
/// Of small vocabularies all tokens are ranked.
constexpr std::uint64_t kRankedTokens = 4096;
constexpr double kLeastShare = 0.9;
/// The logarithm of the smallest number that a float has: what is less probable is told as such.
constexpr double kLeastLogprob = -104;
constexpr std::uint32_t kMostTokens = 256;

bool is_sound(const std::vector<TokenLogprob>& tokens) {
  return std::none_of(tokens.begin(), tokens.end(),
                      [](const TokenLogprob& token) { return !std::isfinite(token.logprob); });
}

bool all_alike(const std::vector<TokenLogprob>& tokens) {
  return tokens.size() > 1 &&
         std::all_of(tokens.begin(), tokens.end(), [&](const TokenLogprob& token) {
           return token.logprob == tokens.front().logprob;
         });
}

std::vector<float> at_fixed_places(const std::vector<TokenLogprob>& tokens,
                                   std::uint64_t vocabulary) {
  std::vector<float> by_id(vocabulary, std::numeric_limits<float>::quiet_NaN());
  for (const TokenLogprob& token : tokens) {
    const auto id = static_cast<std::uint64_t>(token.id);
    if (token.id >= 0 && id < vocabulary) {
      by_id[id] = static_cast<float>(std::max(token.logprob, kLeastLogprob));
    }
  }
  std::vector<float> values;
  const std::size_t count = std::min<std::size_t>(kCheckValues, vocabulary);
  for (std::size_t i = 0; i < count; ++i) values.push_back(by_id[i * vocabulary / count]);
  const bool whole =
      std::none_of(values.begin(), values.end(), [](float value) { return std::isnan(value); });
  return whole ? values : std::vector<float>();
}

Answer<std::optional<std::vector<TokenLogprob>>> ranked_after(const Slots& slots,
                                                              std::vector<std::int32_t> tokens,
                                                              std::uint64_t most, bool keep) {
  CompletionAsk ask;
  ask.tokens = std::move(tokens);
  ask.n_probs = static_cast<std::uint32_t>(most);
  ask.forced = slots.whole_token;  // what is told is what was computed, before any bias
  ask.stream = false;
  ask.keep_prefix = keep;
  auto answer = slots.server->complete(ask, Phase::warm_up);
  if (!answer) return tl::unexpected(answer.error());
  return parse_logprobs(*answer);
}

std::map<std::int32_t, double> by_id(const std::vector<TokenLogprob>& tokens) {
  std::map<std::int32_t, double> all;
  for (const TokenLogprob& token : tokens) all[token.id] = std::exp(token.logprob);
  return all;
}

double term(double p, double q) {
  constexpr double kLeast = 1e-12;
  return p > 0 ? p * std::log(p / std::max(q, kLeast)) : 0;
}

protocol::DivergenceResult summary(std::vector<Compared> all) {
  protocol::DivergenceResult result;
  result.positions = static_cast<std::uint32_t>(all.size());
  double sum = 0;
  double same = 0;
  for (const Compared& each : all) {
    sum += each.divergence;
    same += each.same_top ? 1 : 0;
  }
  result.mean = sum / static_cast<double>(all.size());
  result.same_top = same / static_cast<double>(all.size());
  std::sort(all.begin(), all.end(),
            [](const Compared& a, const Compared& b) { return a.divergence < b.divergence; });
  result.max = all.back().divergence;
  const auto rank = static_cast<std::size_t>(std::ceil(0.99 * static_cast<double>(all.size())));
  result.p99 = all[rank - 1].divergence;
  return result;
}

tl::unexpected<protocol::Fault> cannot_compare(const char* why) {
  return fault(FaultCode::config_rejected, Phase::warm_up,
               std::string("what these cache types cost in accuracy cannot be told: ").append(why));
}

}  // namespace

Answer<protocol::CheckResult> check(const Slots& slots) {
  const std::uint64_t vocabulary = slots.tokens->vocabulary();
  const std::uint32_t count = std::min(kCheckTokens, slots.capacity - 1);
  auto ranked = ranked_after(slots, slots.tokens->prompt(0, count), vocabulary, false);
  if (!ranked) return tl::unexpected(ranked.error());
  protocol::CheckResult result;
  if (!*ranked) return result;
  const std::vector<TokenLogprob>& tokens = **ranked;
  result.finite = is_sound(tokens) && !all_alike(tokens);
  if (result.finite) result.logits = at_fixed_places(tokens, vocabulary);
  return result;
}

std::optional<Compared> compare(const std::vector<TokenLogprob>& reference,
                                const std::vector<TokenLogprob>& current) {
  if (reference.empty() || current.empty()) return std::nullopt;
  const auto p = by_id(reference);
  const auto q = by_id(current);
  double p_sum = 0;
  double q_sum = 0;
  Compared compared;
  for (const auto& [id, probability] : p) {
    const auto other = q.find(id);
    if (other == q.end()) continue;
    p_sum += probability;
    q_sum += other->second;
    compared.divergence += term(probability, other->second);
  }
  if (p_sum < kLeastShare) return std::nullopt;
  compared.divergence += term(1 - std::min(p_sum, 1.0), 1 - std::min(q_sum, 1.0));
  compared.divergence = std::max(compared.divergence, 0.0);
  compared.same_top = reference.front().id == current.front().id;
  return compared;
}

Answer<protocol::DivergenceResult> divergence(const Slots& slots,
                                              const protocol::DivergenceRequest& request,
                                              std::optional<Ranked>& reference, Reply& reply) {
  if (request.tokens < 2 || request.tokens > kMostTokens) {
    return fault(FaultCode::bad_request, Phase::warm_up, "2 to 256 tokens can be compared");
  }
  const std::uint32_t tokens = std::min(request.tokens, slots.capacity - 1);
  const std::uint64_t most = std::min(slots.tokens->vocabulary(), kRankedTokens);
  const std::uint32_t positions = tokens - tokens / 2;
  Ranked ranked;
  for (std::uint32_t count = tokens - positions + 1; count <= tokens; ++count) {
    auto one = ranked_after(slots, slots.tokens->prompt(0, count), most, true);
    if (!one) return tl::unexpected(one.error());
    if (!*one) return cannot_compare("this llama-server tells no probabilities of tokens");
    if (!is_sound(**one)) {
      return fault(FaultCode::non_finite, Phase::warm_up, "a probability is NaN or infinite");
    }
    ranked.push_back(*std::move(*one));
    // Each is a request of its own, and the supervisor gives so much time to each.
    reply.progress(Phase::warm_up,
                   static_cast<double>(ranked.size()) / static_cast<double>(positions));
  }
  if (request.keep_as_reference) {
    protocol::DivergenceResult kept;
    kept.positions = static_cast<std::uint32_t>(ranked.size());
    reference = std::move(ranked);
    return kept;
  }
  if (!reference || reference->size() != ranked.size()) {
    return fault(FaultCode::bad_request, Phase::warm_up,
                 "there is no reference of as many positions to compare with");
  }
  std::vector<Compared> all;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    const auto compared = compare((*reference)[i], ranked[i]);
    if (!compared) {
      return cannot_compare(
          "the most probable tokens that llama-server tells hold less than 90 % of all");
    }
    all.push_back(*compared);
  }
  return summary(std::move(all));
}

}  // namespace sweetspot::adapter
