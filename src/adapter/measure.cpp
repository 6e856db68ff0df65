#include "adapter/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "adapter/steps.hpp"
#include "answering/long_samples.hpp"

namespace sweetspot::adapter {
namespace {

/// Timed at the end of a full context, one token of each sequence together.
constexpr std::uint32_t kEndSteps = 8;

/// The last token of a generation is never computed, and llama-server ends a slot one token before
/// it is full.
constexpr std::uint32_t kSlotSpare = 1;

/// Of a token that is a part of a character nothing is told before the next one: of fewer steps
/// there might be no sample.
constexpr std::uint32_t kFewestSteps = 8;

/// Streams side by side may miss each other: on a busy machine one ends before another has begun.
/// So many passes without a step that was of all of them, each with room for more, are repeated.
constexpr int kMostInVain = 5;

/// Tokens that streams generate until the last of `count` has begun.
std::uint32_t spare_tokens(std::size_t count, int in_vain) {
  return count > 1 ? static_cast<std::uint32_t>(4 * count) << static_cast<unsigned>(in_vain) : 0;
}

/// Steps of all slots side by side, from a depth of `depth` tokens each; `on_step` says false when
/// it has enough. A slot's stream runs on a thread of its own where there are several.
class SideBySide {
 public:
  using OnStep = std::function<bool(const Step&)>;

  SideBySide(const Slots& slots, Phase phase, const GoOn& go_on, const OnStep& on_step)
      : slots_(slots), phase_(phase), go_on_(go_on), on_step_(on_step), steps_(slots.count) {}

  /// `spare`: tokens beyond those that are wanted, as far as there is room.
  Answer<void> run(std::uint32_t depth, std::uint32_t wanted, std::uint32_t spare) {
    wanted_ = wanted;
    if (slots_.count == 1) return stream(0, depth, wanted + 1);
    // Those that come first generate while the prompts of the others are computed.
    const std::uint32_t room = slots_.capacity - std::min(slots_.capacity, depth + kSlotSpare);
    const std::uint32_t n_predict = std::min(room, wanted + 1 + spare);
    std::vector<Answer<void>> outcomes(slots_.count);
    std::vector<std::thread> threads;
    for (std::uint32_t slot = 0; slot < slots_.count; ++slot) {
      threads.emplace_back([&, slot] { outcomes[slot] = stream(slot, depth, n_predict); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Answer<void>& outcome : outcomes) {
      if (!outcome) return outcome;
    }
    return {};
  }

  [[nodiscard]] std::uint32_t steps() const { return counted_; }

 private:
  Answer<void> stream(std::uint32_t slot, std::uint32_t depth, std::uint32_t n_predict) {
    CompletionAsk ask;
    ask.tokens = slots_.tokens->prompt(slot, std::max(depth, 1U));
    ask.n_predict = n_predict;
    ask.slot = slot;
    ask.keep_prefix = depth > 0;
    return slots_.server->stream(
        ask, phase_, [this] { return !done_ && go_on_(); },
        [&](const CompletionEvent& event) { return take(slot, event); });
  }

  bool take(std::uint32_t slot, const CompletionEvent& event) {
    const double now = now_ms();
    const std::lock_guard lock(mutex_);
    if (done_) return false;
    if (const auto step = steps_.add(slot, event, now)) {
      // One that goes on beyond what was asked for is left.
      const bool wanted = counted_ < wanted_;
      if (wanted) ++counted_;
      if (!wanted || !on_step_(*step)) done_ = true;
    }
    // One alone ends by itself; of several the others are left as soon as one has ended.
    if (slots_.count > 1 && (counted_ >= wanted_ || steps_.over())) done_ = true;
    return !done_;
  }

  const Slots& slots_;
  Phase phase_;
  const GoOn& go_on_;
  const OnStep& on_step_;
  std::mutex mutex_;
  Steps steps_;
  std::uint32_t wanted_ = 0;
  std::atomic<std::uint32_t> counted_{0};
  std::atomic<bool> done_{false};
};

std::string why_not(const Slots& slots, const protocol::MeasureRequest& request) {
  if (request.tokens_per_pass == 0) return "a pass needs at least one token";
  if (request.max_samples == 0) return "a measurement needs at least one sample";
  const std::uint64_t needed = std::uint64_t{request.cache_tokens} + request.tokens_per_pass;
  if (needed > slots.capacity) {
    return fmt::format("a pass needs {} tokens of context for each of {} sequences, there are {}",
                       needed, slots.count, slots.capacity);
  }
  return {};
}

/// One measurement in flight.
class Measurement {
 public:
  Measurement(const Slots& slots, const protocol::MeasureRequest& request,
              const std::atomic<bool>& stopped, Reply& reply)
      : slots_(slots),
        request_(request),
        stopped_(stopped),
        reply_(reply),
        phase_(protocol::phase_of(request)) {}

  Answer<protocol::MeasureResult> run() {
    reply_.progress(phase_, -1);
    protocol::MeasureResult result;
    const double start = now_ms();
    if (auto filled = fill(); !filled) return tl::unexpected(filled.error());
    result.fill_seconds = (now_ms() - start) / 1000;
    while (!over()) {
      const std::uint32_t before = samples_;
      auto done = request_.kind == protocol::MeasureKind::prompt ? prompt() : generation();
      if (!done) return tl::unexpected(done.error());
      if (over()) slots_.server->settle();
      in_vain_ = samples_ == before ? in_vain_ + 1 : 0;
      if (in_vain_ >= (slots_.count > 1 ? kMostInVain : 1) && !stopped_) {
        return fault(FaultCode::engine_ended, phase_,
                     "llama-server ended its answer before a token was timed");
      }
      ++result.passes;
    }
    return result;
  }

 private:
  [[nodiscard]] bool over() const { return stopped_ || samples_ >= request_.max_samples; }

  void send(double duration_ms, std::uint32_t tokens) {
    // The times are the server's: what arrives late or in bunches must not overlap.
    const double start = std::max(now_ms() - duration_ms, end_ms_);
    end_ms_ = start + duration_ms;
    reply_.send(protocol::SampleEvent{Sample{start, duration_ms, tokens}, true});
    ++samples_;
    if (duration_ms >= answering::kLongSampleMs && !over()) answering::wait_for_answer(stopped_);
  }

  void report(const CompletionEvent& event) {
    if (event.progress) reply_.progress(phase_, *event.progress);
  }

  /// Every slot that takes part holds the tokens that come before a pass.
  Answer<void> fill() {
    if (request_.cache_tokens == 0) return {};
    const std::uint32_t slots = request_.kind == protocol::MeasureKind::prompt ? 1 : slots_.count;
    for (std::uint32_t slot = 0; slot < slots && !stopped_; ++slot) {
      CompletionAsk ask;
      ask.tokens = slots_.tokens->prompt(slot, request_.cache_tokens);
      ask.slot = slot;
      ask.keep_prefix = true;
      auto filled = slots_.server->stream(
          ask, phase_, [this] { return !stopped_; },
          [this](const CompletionEvent& event) {
            report(event);
            return true;
          });
      if (!filled) return filled;
    }
    return {};
  }

  Answer<void> prompt() {
    CompletionAsk ask;
    ask.tokens = slots_.tokens->prompt(0, request_.cache_tokens + request_.tokens_per_pass,
                                       request_.cache_tokens, samples_);
    ask.keep_prefix = request_.cache_tokens > 0;
    std::optional<Timings> timings;
    auto done = slots_.server->stream(
        ask, phase_, [this] { return !stopped_; },
        [&](const CompletionEvent& event) {
          report(event);
          if (event.last) timings = event.timings;
          return true;
        });
    if (!done || !timings || timings->prompt_n == 0 || !(timings->prompt_ms > 0)) return done;
    // A cache that cannot be cut back is computed anew: then it is not this depth that was timed.
    const std::uint32_t most = request_.tokens_per_pass + request_.tokens_per_pass / 10 + 1;
    if (timings->prompt_n > most) {
      return fault(FaultCode::not_measurable, phase_,
                   fmt::format("llama-server computed {} tokens for a prompt of {} behind {} that "
                               "it was to keep: this model's cache cannot be cut back",
                               timings->prompt_n, request_.tokens_per_pass, request_.cache_tokens));
    }
    send(timings->prompt_ms, timings->prompt_n);
    return done;
  }

  Answer<void> generation() {
    const std::uint32_t left = request_.max_samples - samples_;
    const std::uint32_t asked = std::min(std::max(left, kFewestSteps), request_.tokens_per_pass);
    const GoOn go_on = [this] { return !stopped_.load(); };
    const SideBySide::OnStep on_step = [&](const Step& step) {
      send(step.duration_ms, step.tokens);
      return !stopped_ && (asked <= left || !over());
    };
    SideBySide pass(slots_, phase_, go_on, on_step);
    auto done = pass.run(request_.cache_tokens, asked, spare_tokens(slots_.count, in_vain_));
    if (slots_.count > 1) slots_.server->settle();
    return done;
  }

  const Slots& slots_;
  const protocol::MeasureRequest& request_;
  const std::atomic<bool>& stopped_;
  Reply& reply_;
  Phase phase_;
  std::uint32_t samples_ = 0;
  int in_vain_ = 0;    ///< passes without a sample, one after the other
  double end_ms_ = 0;  ///< of the last sample
};

}  // namespace

Answer<protocol::MeasureResult> measure(const Slots& slots, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply) {
  if (const std::string problem = why_not(slots, request); !problem.empty()) {
    return fault(FaultCode::bad_request, protocol::phase_of(request), problem);
  }
  return Measurement(slots, request, stopped, reply).run();
}

Answer<protocol::FullDepthResult> full_depth(const Slots& slots, Reply& reply) {
  constexpr Phase kPhase = Phase::full_depth;
  reply.progress(kPhase, 0);
  if (slots.capacity < 4) return fault(FaultCode::bad_request, kPhase, "the context is too small");
  const double start = now_ms();
  const std::uint32_t steps = std::min(kEndSteps, slots.capacity / 2 - 1);
  // Several generate until the last of them has begun: they need room for that.
  const std::uint32_t extra = spare_tokens(slots.count, 0);
  const std::uint32_t room = steps + 1 + kSlotSpare + extra;
  const std::uint32_t depth = slots.capacity - std::min(room, slots.capacity - 1);
  for (std::uint32_t slot = 0; slot < slots.count; ++slot) {
    CompletionAsk ask;
    ask.tokens = slots.tokens->prompt(slot, depth);
    ask.slot = slot;
    ask.keep_prefix = true;
    auto filled = slots.server->stream(
        ask, kPhase, [] { return true; },
        [&](const CompletionEvent& event) {
          const double part = event.progress.value_or(event.last ? 1.0 : 0.0);
          reply.progress(kPhase, (slot + part) / slots.count);
          return true;
        });
    if (!filled) return tl::unexpected(filled.error());
  }
  protocol::FullDepthResult result;
  const GoOn go_on = [] { return true; };
  const SideBySide::OnStep on_step = [&](const Step& step) {
    result.steps_ms.push_back(step.duration_ms);
    return true;
  };
  for (int i = 0; i < kMostInVain && result.steps_ms.empty(); ++i) {
    SideBySide end(slots, kPhase, go_on, on_step);
    if (auto done = end.run(depth, steps, extra); !done) return tl::unexpected(done.error());
    slots.server->settle();
    result.tokens_each = depth + end.steps();
  }
  if (result.steps_ms.empty()) {
    return fault(
        FaultCode::engine_ended, kPhase,
        "llama-server ended its answer at the end of the context before a token was timed");
  }
  result.n_sequences = slots.count;
  result.filled_by = "decode";
  result.seconds = (now_ms() - start) / 1000;
  return result;
}

}  // namespace sweetspot::adapter
