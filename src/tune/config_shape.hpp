// How a whole config looks to the time model: its placement, and how its context differs from the
// one that everything is held against.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config.hpp"
#include "search/time_model.hpp"
#include "tune/placement_shape.hpp"

namespace sweetspot::tune {

/// Which of the two times of a config is modelled.
enum class Pass { generation, prompt };

/// `knobs` with what changes memory as `memory` has it: pieces of the prompt, where the cache lies,
/// flash attention. A batch holds at least one piece.
ContextSettings with_memory_of(ContextSettings knobs, const ContextSettings& memory);

/// Immutable, thread safe.
class ConfigShape {
 public:
  /// `base`: the context that others are held against. `settings`: the contexts whose other knobs
  /// (threads, n_batch, cache types) may occur; each combination has an effect of its own.
  /// `n_prompt`: tokens of the prompt, 0 where it does not count.
  ConfigShape(const PlacementShape& placement, ContextSettings base,
              const std::vector<ContextSettings>& settings, std::uint32_t n_prompt);

  /// basis: that of the placement; then further pieces of the prompt, alone and times the CPU's
  /// share; a cache in host memory, by the blocks on the device; flash attention unlike the base's,
  /// alone and by the blocks on the device; 1 for a generation of no layers beside a device, which
  /// is the CPU's alone but for that; of each combination of other knobs its effect, alone and
  /// times the CPU's share.
  [[nodiscard]] search::Features features(const Config& config, Pass pass) const;

  /// `scale_ms`: the slowest that was measured; `typical_ms`: what a config takes here.
  [[nodiscard]] search::TimePrior prior(Pass pass, double scale_ms, double typical_ms) const;

 private:
  const PlacementShape& placement_;
  ContextSettings base_;
  std::vector<ContextSettings> others_;  ///< combinations unlike the base's, each once
  std::uint32_t n_prompt_ = 0;
};

}  // namespace sweetspot::tune
