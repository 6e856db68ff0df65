// What one pass reads and computes on each side, summed over the blocks. Private to timing.cpp.
#pragma once

#include "machine/placing.hpp"

namespace sweetspot::fake {

/// Bytes of weights; experts apart, because a pass reads only those that its tokens choose.
struct SideLoad {
  double dense_bytes = 0;
  double expert_bytes = 0;
  double blocks = 0;                 ///< in which anything is computed on this side
  double cache_bytes_per_token = 0;  ///< read by attention on this side
  double cached_blocks = 0;          ///< with attention on this side
};

struct PassLoad {
  SideLoad host;
  SideLoad device;
  double crossings = 0;
  double device_share = 0;  ///< of the blocks, 0..1
};

PassLoad load_of(const Model& model, const Placed& placed);

}  // namespace sweetspot::fake
