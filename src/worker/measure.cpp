#include "worker/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "answering/long_samples.hpp"
#include "worker/answer.hpp"

namespace sweetspot::worker {
namespace {

/// One measurement in flight.
struct Measurement {
  Decoder& decoder;
  const protocol::MeasureRequest& request;
  const std::atomic<bool>& stopped;
  Reply& reply;
  Phase phase;
  std::uint32_t samples = 0;

  [[nodiscard]] bool over() const { return stopped || samples >= request.max_samples; }

  /// Times the decoding of `tokens` up to its synchronisation.
  Answer<void> sample(std::span<llama_token> tokens, Sequences sequences) {
    const double start = now_ms();
    auto done = decoder.submit(tokens, phase, sequences);
    decoder.synchronize();
    const double end = now_ms();
    if (!done) return done;
    const bool finite = decoder.logits_are_sound();
    reply.send(protocol::SampleEvent{
        Sample{start, end - start, static_cast<std::uint32_t>(tokens.size())}, finite});
    ++samples;
    if (end - start >= answering::kLongSampleMs && !over()) answering::wait_for_answer(stopped);
    return done;
  }

  Answer<void> pass() {
    return request.kind == protocol::MeasureKind::prompt ? prompt() : generation();
  }

  Answer<void> prompt() {
    auto tokens = decoder.tokens(request.cache_tokens, request.tokens_per_pass);
    return sample(tokens, {});
  }

  Answer<void> generation() {
    const Sequences all = decoder.all();
    auto tokens = decoder.tokens(request.cache_tokens, request.tokens_per_pass, all);
    for (std::size_t i = 0; i < tokens.size() && !over(); i += all.count) {
      if (auto done = sample(std::span(tokens).subspan(i, all.count), all); !done) return done;
    }
    return {};
  }
};

std::string why_not(const protocol::MeasureRequest& request, const Decoder& decoder) {
  if (request.tokens_per_pass == 0) return "a pass needs at least one token";
  if (request.max_samples == 0) return "a measurement needs at least one sample";
  const std::uint64_t needed = std::uint64_t{request.cache_tokens} + request.tokens_per_pass;
  if (needed > decoder.capacity()) {
    return fmt::format("a pass needs {} tokens of context for each of {} sequences, there are {}",
                       needed, decoder.all().count, decoder.capacity());
  }
  return {};
}

}  // namespace

Answer<protocol::MeasureResult> measure(Decoder& decoder, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply) {
  const Phase phase = protocol::phase_of(request);
  if (const std::string problem = why_not(request, decoder); !problem.empty()) {
    return fault(FaultCode::bad_request, phase, problem);
  }
  Measurement run{decoder, request, stopped, reply, phase};
  protocol::MeasureResult result;
  reply.progress(phase, -1);
  while (!run.over()) {
    const double start = now_ms();
    if (auto set = decoder.set_depth(request.cache_tokens, phase, stopped, reply); !set) {
      return tl::unexpected(set.error());
    }
    decoder.synchronize();
    result.fill_seconds += (now_ms() - start) / 1000;
    if (run.over()) break;
    if (auto done = run.pass(); !done) return tl::unexpected(done.error());
    ++result.passes;
  }
  return result;
}

Answer<protocol::CheckResult> check(Decoder& decoder) {
  decoder.clear();
  auto tokens = decoder.tokens(0, std::min(kCheckTokens, decoder.capacity()));
  if (auto done = decoder.submit(tokens, Phase::warm_up); !done) {
    return tl::unexpected(done.error());
  }
  protocol::CheckResult result;
  result.finite = decoder.logits_are_sound();
  const auto logits = decoder.logits();
  // JSON has no NaN: where some are not finite, only that fact is sent.
  const std::size_t count = result.finite ? std::min(kCheckValues, logits.size()) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    result.logits.push_back(logits[i * logits.size() / count]);
  }
  decoder.clear();
  return result;
}

}  // namespace sweetspot::worker
