// Which of a sweep's rows count, by all that is known now: every row is judged again after each
// trial. Pure functions over values.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "search/layer_shape.hpp"
#include "search/sweep_row.hpp"

namespace sweetspot::search {

/// From this layer count on nothing is tried any more.
struct Closed {
  std::optional<int> from;
  std::string why;
};

/// Sets what the rows say of each other (objection, suspect, off_curve, bent), and says what is
/// closed. What was closed by rows that are judged otherwise now is open again.
Closed judge(SweepRows& rows, const LayerShape& shape, double tolerance);

/// Whether a row of so many layers lies off the curve of those with fewer that count.
bool falls_off_now(const SweepRows& rows, const LayerShape& shape, int layers, const SweepRow& row,
                   double tolerance);

/// The counts that lie off the curve of those with fewer layers and were measured twice there,
/// each with a sentence: what they are is not known, but a device that pages looks like that.
std::vector<std::pair<int, std::string>> off_the_curve(const SweepRows& rows);

}  // namespace sweetspot::search
