// A tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl 2011) over discrete
// dimensions: 10 random trials first, the best tenth (rounded up) are the good ones, 24 candidates
// by the ratio of the densities, one prior component per dimension. No point is asked twice. Where
// variants differed, the one that did best on the pretended machines was taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "machine/dice.hpp"

namespace sweetspot::simulation {

struct Dimension {
  std::size_t values = 2;
  bool ordered = true;  ///< neighbours are alike; otherwise each value stands alone
};

/// A value of each dimension, by index.
using Point = std::vector<std::size_t>;

/// Ask/tell. Minimises. Not thread safe.
class Tpe {
 public:
  Tpe(std::vector<Dimension> dimensions, std::uint64_t seed);

  [[nodiscard]] Point ask();

  /// `loss` may be infinite: the point failed.
  void tell(Point point, double loss);

 private:
  struct Told {
    Point point;
    double loss = 0;
  };

  [[nodiscard]] Point random_point();
  [[nodiscard]] bool was_told(const Point& point) const;

  std::vector<Dimension> dimensions_;
  fake::Dice dice_;
  std::vector<Told> told_;
};

}  // namespace sweetspot::simulation
