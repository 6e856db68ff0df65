// What a context computes against what another one computed: the cost of a K/V cache type.
#pragma once

#include <optional>

#include "worker/answer.hpp"
#include "worker/decoder.hpp"
#include "worker/next_token.hpp"

namespace sweetspot::worker {

/// As DivergenceRequest says, from and to an empty cache; `reference` is kept or compared with.
/// Faults: bad_request without a reference, for one of another size and for counts of tokens out of
/// range; non_finite.
Answer<protocol::DivergenceResult> divergence(Decoder& decoder,
                                              const protocol::DivergenceRequest& request,
                                              std::optional<NextTokens>& reference);

}  // namespace sweetspot::worker
