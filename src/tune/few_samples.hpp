// What two or three samples of a long prompt say. Pure.
#pragma once

#include <cstddef>

#include "core/trial.hpp"

namespace sweetspot::tune {

/// The trial with the intervals of its speeds as a search believes them. An interval from a handful
/// of samples alone is as wide as convention has it, half to double the value from one; but samples
/// of one machine rarely differ by more than a few per cent. So the spread is estimated as if some
/// samples of a usual spread had been seen before (a scaled inverse chi-square prior: Gelman et
/// al. 2013, section 2.6). Intervals only get narrower by it. For decisions of a search; what is
/// reported to people rests on the measured samples alone.
Trial believed(Trial trial);

/// How far the samples of one config lie from the value of their own trial, over several trials.
class PooledSpread {
 public:
  void add(const Trial& trial);

  /// The trial with the intervals that this spread gives its speeds, where it has a handful of
  /// samples: Student's t with the degrees of freedom of all samples added. No prior: rests on what
  /// was measured alone. Unchanged where a speed has samples enough, or no two of any trial were
  /// added.
  [[nodiscard]] Trial applied_to(Trial trial) const;

 private:
  struct Squares {
    double sum = 0;  ///< of squares, as shares of the value
    std::size_t degrees_of_freedom = 0;

    void add(const Speed& speed);
    void apply_to(Speed& speed) const;
  };

  Squares generation_;
  Squares prompt_;
};

}  // namespace sweetspot::tune
