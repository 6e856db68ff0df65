#include "launch/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <vector>

namespace sweetspot::launch {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint32_t kShortTokens = 8;
constexpr std::uint32_t kMostTokens = std::uint32_t{1} << 22U;
constexpr std::uint32_t kLeftFree = 8;  // for the answer, and what a server adds to a prompt
constexpr const char* kQuery = "What does the fox do?";
constexpr const char* kText = "The quick brown fox jumps over the lazy dog. ";

class Prober {
 public:
  Prober(const ServerApi& server, const ProbeRules& rules)
      : server_(server),
        rules_(rules),
        deadline_(Clock::now() + milliseconds(static_cast<std::int64_t>(rules.seconds * 1000))) {}

  Probe run() {
    const auto tokens = server_.tokenize(kText, patience(1.0));
    if (!tokens || tokens->empty()) return without_tokens();
    tokens_ = *tokens;
    Probe probe = run_as(rules_.task);
    if (rules_.task == Task::completion && only_reads_) probe = run_as(Task::embedding);
    return probe;
  }

 private:
  // `share` of the time that is left.
  [[nodiscard]] http::Patience patience(double share) const {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - Clock::now());
    const auto part = static_cast<std::int64_t>(static_cast<double>(left.count()) * share);
    return {milliseconds(std::max<std::int64_t>(part, 1)), rules_.go_on};
  }

  // A server that does not even cut a text into tokens: does it answer at all?
  [[nodiscard]] Probe without_tokens() const {
    if (!rules_.go_on()) return {ProbeResult::interrupted, 0, {}};
    if (server_.healthy(patience(1.0))) {
      return {ProbeResult::not_possible, 0, "it does not answer /tokenize"};
    }
    return {Clock::now() >= deadline_ ? ProbeResult::timed_out : ProbeResult::failed, 0,
            "stopped answering"};
  }

  Probe run_as(Task task) {
    task_ = task;
    Probe probe = task == Task::completion ? run_completion() : run_inputs();
    probe.task = task;
    return probe;
  }

  Probe run_completion() {
    const std::uint32_t n_ctx = slot_context();
    const std::uint32_t depth = n_ctx > 2 * kLeftFree ? n_ctx - kLeftFree : kShortTokens;
    Probe first = ask(std::min(kShortTokens, depth), patience(1.0));
    if (first.result != ProbeResult::answered || depth <= kShortTokens) return first;
    return deep(depth);
  }

  // Most servers compute an input in one piece and refuse a longer one; where the last token stands
  // for all of it the whole context is taken.
  Probe run_inputs() {
    const std::uint32_t n_ctx = std::max(slot_context(), 1U);
    const std::uint32_t piece = std::min(n_ctx, rules_.piece);
    Probe first = ask(std::min(kShortTokens, piece), patience(1.0));
    if (first.result != ProbeResult::answered || n_ctx <= kShortTokens) return first;
    if (piece == n_ctx) return deep(n_ctx);
    too_long_ = false;
    Probe whole = deep(n_ctx);
    if (!too_long_) return whole;
    Probe longest = deep(piece);
    if (longest.result == ProbeResult::answered) {
      longest.what =
          fmt::format("it refuses longer inputs (--ubatch-size), its context has {}", n_ctx);
    }
    return longest;
  }

  // A part of the time is kept: to see whether a server that is slow still answers.
  Probe deep(std::uint32_t depth) {
    Probe deep = ask(depth, patience(0.8));
    if (deep.result != ProbeResult::timed_out) return deep;
    Probe again = ask(kShortTokens, patience(1.0));
    if (again.result != ProbeResult::answered) return again;
    return {ProbeResult::slow, kShortTokens, fmt::format("{} tokens take too long", depth)};
  }

  [[nodiscard]] std::uint32_t slot_context() const {
    std::uint32_t n_ctx = rules_.n_ctx;
    if (const auto slots = server_.slots(patience(0.5))) {
      for (const Slot& slot : *slots) {
        if (slot.n_ctx > 0) n_ctx = slot.n_ctx;
      }
    }
    // A server's figure must not decide how much memory a request takes.
    return std::min(n_ctx, kMostTokens);
  }

  [[nodiscard]] http::Reply request(std::uint32_t n_tokens, const http::Patience& patience) const {
    switch (task_) {
      case Task::completion:
        return server_.complete(tokens_, n_tokens, patience);
      case Task::embedding:
        return server_.embed(tokens_, n_tokens, patience);
      case Task::reranking:
        break;
    }
    return server_.rerank(kQuery, document_of(n_tokens, patience), patience);
  }

  // A document that, with the query and what a server puts between them, has at most `n_tokens`:
  // of words, since a server takes no tokens here.
  [[nodiscard]] std::string document_of(std::uint32_t n_tokens,
                                        const http::Patience& patience) const {
    constexpr std::size_t kBetween = 8;
    const std::size_t taken = size_of(kQuery, patience) + kBetween;
    const std::size_t room = n_tokens > taken ? n_tokens - taken : 1;
    std::size_t fits = 1;
    for (std::size_t step = std::bit_floor(room); step > 0; step /= 2) {
      if (fits + step > room) continue;
      if (size_of(words(fits + step), patience) <= room) fits += step;
    }
    return words(fits);
  }

  [[nodiscard]] std::size_t size_of(const std::string& text, const http::Patience& patience) const {
    const auto tokens = server_.tokenize(text, patience);
    return tokens ? tokens->size() : SIZE_MAX / 2;
  }

  static std::string words(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "fox ";
    return text;
  }

  Probe ask(std::uint32_t n_tokens, const http::Patience& patience) {
    const http::Reply answer = request(n_tokens, patience);
    if (answer) return judged(*answer, n_tokens);
    switch (answer.error()) {
      case http::Problem::timed_out:
        return {ProbeResult::timed_out, 0, "did not answer a request"};
      case http::Problem::interrupted:
        return {ProbeResult::interrupted, 0, {}};
      case http::Problem::refused:
      case http::Problem::broken:
        break;
    }
    return {ProbeResult::failed, 0, "broke off a request"};
  }

  Probe judged(const http::Answer& answer, std::uint32_t n_prompt) {
    constexpr int kOk = 200;
    constexpr int kServerError = 500;
    constexpr int kNotImplemented = 501;
    if (answer.status == kOk) {
      return {ProbeResult::answered, tokens_read(answer.body).value_or(n_prompt), {}};
    }
    std::string what = fmt::format("answered a request with status {}", answer.status);
    const std::string text = error_text(answer.body);
    if (!text.empty()) what += ": " + text;
    too_long_ = text.find("too large to process") != std::string::npos;
    // A server for embeddings says so; one with a model that only reads finds out at the first
    // request that it computes no logits.
    only_reads_ =
        answer.status == kNotImplemented || text.find("logits computation") != std::string::npos;
    const bool ours = answer.status < kServerError || answer.status == kNotImplemented;
    return {ours ? ProbeResult::not_possible : ProbeResult::failed, 0, std::move(what)};
  }

  const ServerApi& server_;
  const ProbeRules& rules_;
  Clock::time_point deadline_;
  std::vector<std::int64_t> tokens_;
  Task task_ = Task::completion;
  bool only_reads_ = false;  ///< of the last answer
  bool too_long_ = false;
};

}  // namespace

Probe probe(const ServerApi& server, const ProbeRules& rules) {
  return Prober(server, rules).run();
}

}  // namespace sweetspot::launch
