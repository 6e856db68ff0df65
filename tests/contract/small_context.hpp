// The context of these tests: small, and computed by one thread, so that it is quick on any
// machine.
#pragma once

#include "core/config.hpp"

namespace sweetspot::engine {

inline ContextSettings small_context() {
  ContextSettings settings;
  settings.n_ctx = 256;
  settings.n_batch = 64;
  settings.n_ubatch = 64;
  settings.n_threads = 1;
  return settings;
}

}  // namespace sweetspot::engine
