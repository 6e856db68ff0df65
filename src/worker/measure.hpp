// Timed decodes, raw. Statistics are the supervisor's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "answering/output_check.hpp"
#include "worker/answer.hpp"
#include "worker/decoder.hpp"

namespace sweetspot::worker {

using answering::kCheckTokens;
using answering::kCheckValues;

/// As MeasureRequest says, of all sequences that the context has. One SampleEvent per timed
/// stretch, sent after its clock has stopped.
Answer<protocol::MeasureResult> measure(Decoder& decoder, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply);

/// Decodes 16 fixed tokens from an empty cache and empties it again. Logits at up to 256 positions
/// spread evenly over the vocabulary; `finite` speaks of all of them.
Answer<protocol::CheckResult> check(Decoder& decoder);

}  // namespace sweetspot::worker
