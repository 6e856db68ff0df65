// What two columns of a grid, asked in full, show of the others: which layer counts behave alike.
// Private to grid.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/memory_map.hpp"

namespace sweetspot::plan {

/// Of a list of n layer counts. Steps lie between neighbours of the list: step i leads from i to
/// i + 1.
struct Pattern {
  /// One for each count: the compute buffers are the same throughout a run, in every column asked.
  std::vector<std::size_t> run;
  /// One for each step: steps of a class move the same context bytes between the same devices, in
  /// every column asked. Runs and classes are numbered from 0 in the order they are met.
  std::vector<std::size_t> step_class;
};

/// A column's cells, by layer count.
using Column = std::span<const PlannedMemory>;

/// Nothing where the columns cannot speak for others: a config was refused, or the weights do not
/// depend on the layer count alone. At least one column, all of one size, none empty.
std::optional<Pattern> read_pattern(const std::vector<Column>& columns);

/// The places a column has to be asked at before `reconstruct` can tell the rest: the ends of every
/// run, and a step of every class. Ascending.
std::vector<std::size_t> telling_places(const Pattern& pattern);

/// The whole of a column from the cells that `asked` marks, among them all telling places.
/// `weights` is a column asked in full: weights depend on the layer count only. Nothing where an
/// asked cell is not, to the byte, what the others make of it.
std::optional<std::vector<PlannedMemory>> reconstruct(const Pattern& pattern, Column weights,
                                                      Column column,
                                                      const std::vector<bool>& asked);

}  // namespace sweetspot::plan
