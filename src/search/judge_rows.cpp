#include "search/judge_rows.hpp"

#include <fmt/format.h>

#include <utility>

#include "search/cliff.hpp"
#include "search/hang.hpp"

namespace sweetspot::search {
namespace {

void close(Closed& closed, int layers, std::string why) {
  if (closed.from && *closed.from <= layers) return;
  closed = {layers, std::move(why)};
}

// `hung`: the layers of the first hang; a second one closes from the lower of the two.
void close_after_failure(Closed& closed, int layers, const Failure& failure,
                         std::optional<int>& hung) {
  if (is_memory(failure.failure_class)) {
    close(closed, layers, fmt::format("{} layers: {}", layers, to_string(failure.failure_class)));
  }
  if (!is_hang(failure.failure_class)) return;
  if (hung) {
    close(closed, *hung, fmt::format("the device hung with {} layers and with {}", *hung, layers));
  } else {
    hung = layers;
  }
}

KnownSpeed speed_of(const LayerShape& shape, int layers, const SweepRow& row) {
  return {shape.features(layers), layers > 0, row.loads};
}

PriorOf prior_of(const LayerShape& shape) {
  return [&shape](double scale_ms) { return shape.prior(scale_ms); };
}

// From the fewest layers on. A count that lies on the curve again shows that what fell off it below
// was no cliff; two loads off it without one above them are.
void judge_curve(SweepRows& rows, const LayerShape& shape, double tolerance) {
  std::vector<KnownSpeed> good;
  CountMs last_good;
  std::vector<CountMs> off;
  std::size_t loads = 0;
  for (auto& [layers, row] : rows) {
    if (row.spilled) loads += 1;
    if (!row.ms || !row.objection.empty() || row.starved) continue;
    KnownSpeed known = speed_of(shape, layers, row);
    if (layers > 0 && falls_off(prior_of(shape), good, known, tolerance)) {
      off.push_back({layers, row.ms->value});
      loads += row.loads.size();
      continue;
    }
    good.push_back(std::move(known));
    last_good = {layers, row.ms->value};
    off.clear();
    loads = 0;
  }
  const bool bends = !good.empty() && is_bend(last_good, off);
  for (const CountMs& one : off) {
    SweepRow& row = rows.at(one.layers);
    row.bent = bends;
    if (bends) continue;
    (loads > 1 ? row.off_curve : row.suspect) = true;
    if (loads > 1) row.objection = "slower than fewer layers let expect";
  }
}

}  // namespace

Closed judge(SweepRows& rows, const LayerShape& shape, double tolerance) {
  Closed closed;
  std::optional<int> hung;
  for (auto& [layers, row] : rows) {
    row.suspect = row.off_curve = row.bent = false;
    row.objection = row.spilled ? "spilled" : row.fault;
    if (row.failure) close_after_failure(closed, layers, *row.failure, hung);
  }
  judge_curve(rows, shape, tolerance);
  for (const auto& [layers, row] : rows) {
    if (row.objection.empty() || row.starved || row.uncertain) continue;
    close(closed, layers + 1, fmt::format("{} layers: {}", layers, row.objection));
  }
  return closed;
}

bool falls_off_now(const SweepRows& rows, const LayerShape& shape, int layers, const SweepRow& row,
                   double tolerance) {
  std::vector<KnownSpeed> below;
  for (const auto& [count, known] : rows) {
    if (count >= layers) break;
    if (known.is_usable()) below.push_back(speed_of(shape, count, known));
  }
  return row.ms && falls_off(prior_of(shape), below, speed_of(shape, layers, row), tolerance);
}

std::vector<std::pair<int, std::string>> off_the_curve(const SweepRows& rows) {
  std::vector<std::pair<int, std::string>> all;
  for (const auto& [layers, row] : rows) {
    if (row.off_curve) {
      all.emplace_back(layers,
                       "spilled, by its speed: slower than fewer layers let expect, seen twice");
    }
  }
  return all;
}

}  // namespace sweetspot::search
