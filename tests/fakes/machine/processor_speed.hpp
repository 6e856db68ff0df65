// How fast a pretended processor is with so many threads.
#pragma once

#include "machine/parts.hpp"

namespace sweetspot::fake {

struct ProcessorSpeed {
  double bytes_per_ms = 0;  ///< reading weights
  double flops_per_ms = 0;  ///< computing with them
};

enum class Work { generation, prompt };

/// Reading rises towards its bound as 1 - exp(-2.5 n / saturating_threads), computing in
/// proportion; beyond the cores both are as Processor says, beyond the logical cores threads wait
/// for each other's time slices.
ProcessorSpeed speed_of(const Processor& processor, int threads, Work work);

}  // namespace sweetspot::fake
