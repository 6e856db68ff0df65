#include "report/layer_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include "core/no_device.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

constexpr int kRows = 7;
constexpr int kMostColumns = 72;
constexpr int kWidestColumn = 3;
constexpr int kLabel = 8;  // columns of the speeds at the side
constexpr std::array<std::string_view, 9> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

struct Point {
  double speed = 0;
  bool measured = false;
};
using Points = std::map<int, Point>;  // by layers

// Beside a device 0 layers are another config than the CPU alone, which the curve begins with.
Points points_of(const Run& run) {
  Points points;
  if (run.sweep) {
    for (const CurvePoint& point : run.sweep->curve) {
      if (point.standing != Standing::predicted || !point.generation_ms) continue;
      const Estimate speed = per_second(*point.generation_ms);
      if (!is_uncertain(speed)) points[point.layers] = {speed.value, false};
    }
  }
  for (const Trial& trial : run.results) {
    if (!trial.conclusive() || !trial.generation) continue;
    if (trial.layers == 0 && !uses_no_device(trial.config.placement)) continue;
    points[trial.layers] = {trial.generation->tokens_per_second.value, true};
  }
  return points;
}

// What stands in one cell; `row` counts from the bottom.
std::string_view cell(const Point& point, int row, double per_row) {
  const double above = point.speed / per_row - row;
  if (!point.measured) return above >= 0 && above < 1 ? "·" : " ";
  const double eighths = std::clamp(std::round(8 * above), 0.0, 8.0);
  return kBlocks[static_cast<std::size_t>(eighths)];
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

std::string layer_chart(const Run& run, const Style& style) {
  const Points points = points_of(run);
  const auto measured = std::count_if(points.begin(), points.end(),
                                      [](const auto& point) { return point.second.measured; });
  if (measured < 2) return {};
  const int last = points.rbegin()->first;
  const int room = std::min(kMostColumns, style.width - kLabel - 2);
  if (room < last + 1) return {};
  const int column = std::clamp(room / (last + 1), 1, kWidestColumn);
  double most = 0;
  for (const auto& [layers, point] : points) most = std::max(most, point.speed);
  // A hair more, so that the highest dot lies in the chart.
  const double per_row = most * (1 + 1e-9) / kRows;
  std::string text = "Generated tokens/s by layers: columns measured, dots predicted\n";
  for (int row = kRows - 1; row >= 0; --row) {
    const std::string label = row == kRows - 1 ? number_text(most) : row == 0 ? "0" : "";
    std::string line = fmt::format("{:>{}} │", label, kLabel - 2);
    for (int layers = 0; layers <= last; ++layers) {
      const auto point = points.find(layers);
      const std::string_view sign = point == points.end() ? " " : cell(point->second, row, per_row);
      line += sign;
      for (int more = 1; more < column; ++more) {
        line += sign == "·" || more == column - 1 ? std::string_view(" ") : sign;
      }
    }
    text += trimmed(std::move(line));
  }
  std::string axis = fmt::format("{:>{}}0", "layers ", kLabel);
  const std::string end = std::to_string(last);
  const int gap = last * column - static_cast<int>(end.size()) + column - 1;
  axis.append(static_cast<std::size_t>(std::max(gap, 1)), ' ').append(end);
  return text + trimmed(std::move(axis));
}

}  // namespace sweetspot::report
