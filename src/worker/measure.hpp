// Timed decodes, raw. Statistics are the supervisor's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "worker/answer.hpp"
#include "worker/decoder.hpp"
#include "worker/outbox.hpp"

namespace sweetspot::worker {

/// A sample this long is worth waiting a moment for the answer to it: a prompt may take seconds on
/// a processor. Shorter ones follow each other at once, so that no device lowers its clocks.
inline constexpr double kLongSampleMs = 250;

/// Whoever reads the samples may have enough: waits up to 10 ms for `stopped`.
void wait_for_answer(const std::atomic<bool>& stopped);

inline constexpr std::uint32_t kCheckTokens = 16;
inline constexpr std::size_t kCheckValues = 256;

/// As MeasureRequest says, of all sequences that the context has. One SampleEvent per timed
/// stretch, sent after its clock has stopped.
Answer<protocol::MeasureResult> measure(Decoder& decoder, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply);

/// Decodes 16 fixed tokens from an empty cache and empties it again. Logits at up to 256 positions
/// spread evenly over the vocabulary; `finite` speaks of all of them.
Answer<protocol::CheckResult> check(Decoder& decoder);

}  // namespace sweetspot::worker
