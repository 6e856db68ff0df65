#include "profiles/robust_line.hpp"

#include <algorithm>
#include <cstddef>

namespace sweetspot::profiles {
namespace {

/// Requires a value.
double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  if (values.size() % 2 == 1) return values[half];
  return (values[half - 1] + values[half]) / 2;
}

}  // namespace

Reading<Line> robust_line(const std::vector<Point>& points) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      const double run = points[j].x - points[i].x;
      if (run > 0 || run < 0) slopes.push_back((points[j].y - points[i].y) / run);
    }
  }
  if (slopes.empty()) return Absence{"needs two different points"};
  Line line;
  line.slope = median_of(std::move(slopes));
  std::vector<double> intercepts;
  intercepts.reserve(points.size());
  for (const Point& point : points) intercepts.push_back(point.y - line.slope * point.x);
  line.intercept = median_of(std::move(intercepts));
  return line;
}

}  // namespace sweetspot::profiles
