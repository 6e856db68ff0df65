#include "core/config.hpp"

#include <algorithm>

namespace sweetspot {

std::uint32_t context_parts(const ContextSettings& context) {
  return context.kv_unified || context.n_parallel < 2 ? 1 : context.n_parallel;
}

int effective_layers(int requested, int offloadable) {
  if (requested < 0) return offloadable;
  return std::min(requested, offloadable);
}

}  // namespace sweetspot
