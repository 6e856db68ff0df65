// What a longer cache adds to the time of a token. Pure.
//
// A token reads the whole cache once, so its time grows in proportion to the tokens in it: by one
// rate where a block and its cache lie on the CPU, by another on a device. Both follow from trials
// that were measured at the workload's depth and with the whole context in use.
#pragma once

#include <vector>

#include "core/trial.hpp"
#include "search/time_model.hpp"

namespace sweetspot::search {

/// One trial measured at two depths.
struct DepthObservation {
  double device_share = 0;  ///< of the blocks, 0..1
  double tokens = 0;        ///< between the two depths, above 0
  Estimate shallow_ms;      ///< per token at the workload's depth
  Estimate deep_ms;         ///< per token with the whole context in use
};

/// Milliseconds that a thousand more tokens in the cache add to a token, all blocks being there.
struct DepthGrowth {
  Coefficient cpu_ms;
  Coefficient device_ms;
  std::size_t observations = 0;

  /// What `tokens` more add with that share of the blocks on the device; never below 0.
  [[nodiscard]] Coefficient added_ms(double device_share, double tokens) const;

  /// Covariance of the two rates.
  double covariance = 0;
};

/// Least squares, weighted by the intervals; the prior is that neither rate is far above the
/// largest one seen. With no observation both are 0 with that doubt unknown: `observations` says
/// so.
DepthGrowth fit_depth_growth(const std::vector<DepthObservation>& observations);

}  // namespace sweetspot::search
