#include "core/config.hpp"

#include <algorithm>

#include "core/trial.hpp"

namespace sweetspot {

// The device is not named where it is all that is shared, which is the usual case.
std::string label_of(const Trial& trial, Disturbance disturbance) {
  std::string label(to_string(disturbance));
  if (disturbance != Disturbance::contended || !trial.shares(Contended::processor)) return label;
  if (trial.shares(Contended::device)) label += ", device";
  return label + ", processor";
}

std::uint32_t context_parts(const ContextSettings& context) {
  return context.kv_unified || context.n_parallel < 2 ? 1 : context.n_parallel;
}

int effective_layers(int requested, int offloadable) {
  if (requested < 0) return offloadable;
  return std::min(requested, offloadable);
}

}  // namespace sweetspot
