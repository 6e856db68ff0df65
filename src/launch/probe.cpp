#include "launch/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace sweetspot::launch {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint32_t kShortTokens = 8;
constexpr std::uint32_t kLeftFree = 8;  // for the answer, and what a server adds to a prompt
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
    const std::uint32_t depth = full_depth();
    Probe first = ask(*tokens, std::min(kShortTokens, depth), patience(1.0));
    if (first.result != ProbeResult::answered || depth <= kShortTokens) return first;
    // A part of the time is kept: to see whether a server that is slow still answers.
    Probe deep = ask(*tokens, depth, patience(0.8));
    if (deep.result != ProbeResult::timed_out) return deep;
    Probe again = ask(*tokens, kShortTokens, patience(1.0));
    if (again.result != ProbeResult::answered) return again;
    return {ProbeResult::slow, kShortTokens, fmt::format("{} tokens take too long", depth)};
  }

 private:
  // `share` of the time that is left.
  [[nodiscard]] HttpPatience patience(double share) const {
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

  [[nodiscard]] std::uint32_t full_depth() const {
    std::uint32_t n_ctx = rules_.n_ctx;
    if (const auto slots = server_.slots(patience(0.5))) {
      for (const Slot& slot : *slots) {
        if (slot.n_ctx > 0) n_ctx = slot.n_ctx;
      }
    }
    return n_ctx > 2 * kLeftFree ? n_ctx - kLeftFree : kShortTokens;
  }

  [[nodiscard]] Probe ask(const std::vector<std::int64_t>& tokens, std::uint32_t n_prompt,
                          const HttpPatience& patience) const {
    const HttpResult answer = server_.complete(tokens, n_prompt, patience);
    if (answer) return judged(*answer, n_prompt);
    switch (answer.error()) {
      case HttpProblem::timed_out:
        return {ProbeResult::timed_out, 0, "did not answer a request"};
      case HttpProblem::interrupted:
        return {ProbeResult::interrupted, 0, {}};
      case HttpProblem::refused:
      case HttpProblem::broken:
        break;
    }
    return {ProbeResult::failed, 0, "broke off a request"};
  }

  static Probe judged(const HttpAnswer& answer, std::uint32_t n_prompt) {
    constexpr int kOk = 200;
    constexpr int kServerError = 500;
    constexpr int kNotImplemented = 501;
    if (answer.status == kOk) return {ProbeResult::answered, n_prompt, {}};
    std::string what = fmt::format("answered a request with status {}", answer.status);
    if (const std::string text = error_text(answer.body); !text.empty()) what += ": " + text;
    const bool ours = answer.status < kServerError || answer.status == kNotImplemented;
    return {ours ? ProbeResult::not_possible : ProbeResult::failed, 0, std::move(what)};
  }

  const ServerApi& server_;
  const ProbeRules& rules_;
  Clock::time_point deadline_;
};

}  // namespace

Probe probe(const ServerApi& server, const ProbeRules& rules) {
  return Prober(server, rules).run();
}

}  // namespace sweetspot::launch
