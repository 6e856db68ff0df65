// Timed inputs of a context that only reads, raw: the counterpart of measure.hpp.
#pragma once

#include <atomic>

#include "worker/answer.hpp"
#include "worker/encoder.hpp"

namespace sweetspot::worker {

/// A pass is one input of tokens_per_pass tokens, and one sample. There is nothing to generate:
/// that is bad-request, as is an input longer than one may be, and a cache that holds something.
Answer<protocol::MeasureResult> measure(Encoder& encoder, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply);

/// Computes an input of 16 fixed tokens. Up to 256 values of what it became, spread evenly.
Answer<protocol::CheckResult> check(Encoder& encoder);

/// Computes the longest input that is taken.
Answer<protocol::FullDepthResult> full_depth(Encoder& encoder, Reply& reply);

}  // namespace sweetspot::worker
