// Bytes that come from drivers and workers may be anything: no sum or difference wraps.
#pragma once

#include <cstdint>
#include <limits>

namespace sweetspot::plan {

/// llama.cpp rounds n_ctx up to a multiple of this (GGML_PAD in llama_context).
inline constexpr std::uint32_t kContextStep = 256;

/// a - b, never below 0.
constexpr std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

/// a + b, never above what 64 bits hold.
constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  return a > kMost - b ? kMost : a + b;
}

}  // namespace sweetspot::plan
