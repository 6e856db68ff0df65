// Measuring a config as llama-bench does: a load, then five repetitions each of a prompt and of a
// generation, after one of each to warm up; the mean counts.
#pragma once

#include <optional>

#include "core/config.hpp"
#include "core/trial.hpp"
#include "machine/session.hpp"
#include "rules.hpp"

namespace sweetspot::simulation {

struct LlamaBenchResult {
  double prompt_ms = 0;  ///< of the whole prompt
  double token_ms = 0;   ///< of a generated token

  [[nodiscard]] double request_ms(const Workload& work) const {
    return prompt_ms + work.n_gen * token_ms;
  }
};

/// Nothing where the config fails. Each call is a process of its own. `effort` grows.
std::optional<LlamaBenchResult> llama_bench(fake::Session& session, const Config& config,
                                            const Workload& work, Effort& effort);

}  // namespace sweetspot::simulation
