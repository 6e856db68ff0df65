#pragma once

#include <cstdint>

namespace sweetspot::plan {

/// llama.cpp rounds n_ctx up to a multiple of this (GGML_PAD in llama_context).
inline constexpr std::uint32_t kContextStep = 256;

}  // namespace sweetspot::plan
