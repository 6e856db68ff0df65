// What a server computes, by the probabilities that it tells of the next token.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "adapter/completion.hpp"
#include "adapter/measure.hpp"

namespace sweetspot::adapter {

/// The logarithms of the probabilities at up to 256 places of the vocabulary, spread evenly, after
/// 16 fixed tokens: logits but for a constant. None where the server does not tell them.
Answer<protocol::CheckResult> check(const Slots& slots);

/// The most probable next tokens at each compared position.
using Ranked = std::vector<std::vector<TokenLogprob>>;

struct Compared {
  double divergence = 0;  ///< D(reference || current) in nats
  bool same_top = false;
};

/// Of two rankings of one position: a bin for each token that both have, and one for all others,
/// which can only make the divergence smaller than it is. Nothing where the bins hold less than 90
/// % of the reference: then it would say nothing. Pure.
std::optional<Compared> compare(const std::vector<TokenLogprob>& reference,
                                const std::vector<TokenLogprob>& current);

/// As the protocol's DivergenceRequest says, of fixed tokens: a server's own reading of a text may
/// differ. Tells its progress after each position.
Answer<protocol::DivergenceResult> divergence(const Slots& slots,
                                              const protocol::DivergenceRequest& request,
                                              std::optional<Ranked>& reference, Reply& reply);

}  // namespace sweetspot::adapter
