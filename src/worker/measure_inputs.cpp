#include "worker/measure_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "answering/long_samples.hpp"
#include "worker/answer.hpp"
#include "worker/measure.hpp"

namespace sweetspot::worker {
namespace {

std::string why_not(const protocol::MeasureRequest& request, const Encoder& encoder) {
  if (request.kind != protocol::MeasureKind::prompt)
    return "a context for embeddings generates nothing";
  if (request.cache_tokens > 0) return "an input begins with an empty cache";
  if (request.tokens_per_pass == 0) return "a pass needs at least one token";
  if (request.max_samples == 0) return "a measurement needs at least one sample";
  if (request.tokens_per_pass <= encoder.longest()) return {};
  return fmt::format("an input has {} tokens, {} are taken at most", request.tokens_per_pass,
                     encoder.longest());
}

}  // namespace

Answer<protocol::MeasureResult> measure(Encoder& encoder, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply) {
  if (const std::string problem = why_not(request, encoder); !problem.empty()) {
    return fault(FaultCode::bad_request, Phase::prompt, problem);
  }
  protocol::MeasureResult result;
  reply.progress(Phase::prompt, -1);
  while (!stopped && result.passes < request.max_samples) {
    const double start = now_ms();
    if (auto done = encoder.encode(request.tokens_per_pass, Phase::prompt); !done) {
      return tl::unexpected(done.error());
    }
    const double ms = now_ms() - start;
    reply.send(protocol::SampleEvent{Sample{start, ms, request.tokens_per_pass},
                                     encoder.output_is_sound()});
    ++result.passes;
    if (ms >= answering::kLongSampleMs) answering::wait_for_answer(stopped);
  }
  return result;
}

Answer<protocol::CheckResult> check(Encoder& encoder) {
  if (auto done = encoder.encode(std::min(kCheckTokens, encoder.longest()), Phase::warm_up);
      !done) {
    return tl::unexpected(done.error());
  }
  const auto values = encoder.output();
  protocol::CheckResult result;
  result.finite = encoder.output_is_sound();
  // JSON has no NaN: where some are not finite, only that fact is sent.
  const std::size_t count = result.finite ? std::min(kCheckValues, values.size()) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    result.logits.push_back(values[i * values.size() / count]);
  }
  return result;
}

Answer<protocol::FullDepthResult> full_depth(Encoder& encoder, Reply& reply) {
  reply.progress(Phase::full_depth, 0);
  const double start = now_ms();
  if (auto done = encoder.encode(encoder.longest(), Phase::full_depth); !done) {
    return tl::unexpected(done.error());
  }
  protocol::FullDepthResult result;
  result.n_sequences = 1;
  result.tokens_each = encoder.longest();
  result.filled_by = "one input";
  result.seconds = (now_ms() - start) / 1000;
  if (encoder.output_is_sound()) return result;
  return fault(FaultCode::non_finite, Phase::full_depth,
               "the longest input becomes NaN, infinity or nothing at all");
}

}  // namespace sweetspot::worker
