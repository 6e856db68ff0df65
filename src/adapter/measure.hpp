// Timed passes over a server's slots, as the protocol's MeasureRequest says.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "adapter/server.hpp"
#include "adapter/tokens.hpp"
#include "adapter/words.hpp"

namespace sweetspot::adapter {

/// The sequences of a server: each slot holds one.
struct Slots {
  const Server* server = nullptr;
  const Tokens* tokens = nullptr;
  std::uint32_t count = 1;
  std::uint32_t capacity = 0;                    ///< tokens of each
  std::optional<std::int32_t> whole_token = {};  ///< one whose text is a character or more
};

/// Samples have the server's own times: of a prompt from its first batch to its first token, of a
/// step the difference of two cumulative ones. Sampling and the server's loop are among them.
Answer<protocol::MeasureResult> measure(const Slots& slots, const protocol::MeasureRequest& request,
                                        const std::atomic<bool>& stopped, Reply& reply);

/// Computes the longest prompt that each slot takes, then a few tokens of all of them side by side.
Answer<protocol::FullDepthResult> full_depth(const Slots& slots, Reply& reply);

}  // namespace sweetspot::adapter
