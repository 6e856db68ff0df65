// How much of a configuration's output is looked at when it is checked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sweetspot::answering {

/// So many fixed tokens are computed, and what is to follow them is compared,
inline constexpr std::uint32_t kCheckTokens = 16;
/// at up to so many places spread over the vocabulary.
inline constexpr std::size_t kCheckValues = 256;

}  // namespace sweetspot::answering
