// A line that a few bad points do not tilt.
#pragma once

#include <vector>

#include "core/reading.hpp"

namespace sweetspot::profiles {

struct Point {
  double x = 0;
  double y = 0;
};

struct Line {
  double slope = 0;
  double intercept = 0;
};

/// Theil-Sen: the median slope over all pairs with different x (Sen 1968), the median of y - slope
/// x as intercept. Up to 29 % of the points may be anything. Absent with fewer than 2 different x.
Reading<Line> robust_line(const std::vector<Point>& points);

}  // namespace sweetspot::profiles
