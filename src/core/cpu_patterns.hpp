// Names of the tensors that llama.cpp's programs keep on the CPU for n_cpu_moe and n_cpu_ffn.
#pragma once

namespace sweetspot {

/// Patterns for block {}; they go to fmt as run-time formats.
inline constexpr const char* kExpertsOfBlock = R"(blk\.{}\.ffn_(up|down|gate|gate_up)_(ch|)exps)";
inline constexpr const char* kFeedForwardOfBlock = R"(blk\.{}\.ffn_(up|down|gate)\.)";

}  // namespace sweetspot
