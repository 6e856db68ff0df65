// What is timed of a workload: the passes of its prompt and of its generation.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/trial.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::profiler {

/// Tokens generated per pass.
inline constexpr std::uint32_t kTokensPerPass = 32;

/// The pass is laid around the middle of the generation, where the cost of a token is the mean over
/// all of them as long as it grows evenly with depth. `behind_prompt`: that depth is the one the
/// workload's prompt leaves.
inline protocol::MeasureRequest generation_pass(const Workload& workload, bool behind_prompt) {
  protocol::MeasureRequest request;
  request.kind = protocol::MeasureKind::generation;
  request.tokens_per_pass = std::clamp(workload.n_gen, 1U, kTokensPerPass);
  request.cache_tokens = workload.n_depth + (behind_prompt ? workload.n_prompt : 0);
  if (workload.n_gen > request.tokens_per_pass) {
    request.cache_tokens += (workload.n_gen - request.tokens_per_pass) / 2;
  }
  return request;
}

inline protocol::MeasureRequest prompt_pass(const Workload& workload) {
  protocol::MeasureRequest request;
  request.kind = protocol::MeasureKind::prompt;
  request.tokens_per_pass = workload.n_prompt;
  request.cache_tokens = workload.n_depth;
  return request;
}

}  // namespace sweetspot::profiler
