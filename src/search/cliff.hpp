// Where more layers on a device begin to cost time although they should save it: a device that
// pages to system memory, or whatever else begins there. Pure functions over what was measured.
#pragma once

#include <optional>
#include <vector>

#include "core/trial.hpp"
#include "search/layer_shape.hpp"

namespace sweetspot::search {

/// A layer count whose speed counts.
struct KnownCount {
  int layers = 0;
  std::vector<Estimate> loads;  ///< ms per token of each load it was measured in; not empty

  /// Over its loads.
  [[nodiscard]] Estimate ms() const;
};

/// From two loads of the same config one estimate; the interval holds what the loads differ by.
Estimate together(const std::vector<Estimate>& loads);

/// Whether `count` lies off the curve of those with fewer layers: slower than they let expect by
/// more than the tolerance, and slower than one of them that is on the device and faster than the
/// CPU alone. Where a device is slower than the CPU, each further layer may cost time, and nothing
/// can be said. `below`: ascending, fewer layers than `count`, the CPU alone among them or not.
bool falls_off(const LayerShape& shape, const std::vector<KnownCount>& below,
               const KnownCount& count, double tolerance);

/// Whether time bends there instead of jumping: the first of the counts that fall off lies no
/// higher than the straight way from the last good one to the farthest of them. Two unlike devices
/// look like that, and a card that slows down as it fills; it is to be learnt from. Of one count
/// nobody can tell. `off`: ascending, above `good`.
bool is_bend(const KnownCount& good, const std::vector<KnownCount>& off);

/// Of a sweep, the last count that is good and the first one that is not.
struct Gap {
  int good = 0;
  int bad = 0;
};

/// The count between `good` and `bad` that halves what is unknown: nothing where they are
/// neighbours. `open`: ascending.
std::optional<int> middle_of(const Gap& gap, const std::vector<int>& open);

}  // namespace sweetspot::search
