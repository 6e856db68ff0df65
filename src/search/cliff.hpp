// Where more on a device begins to cost time although it should save it: a device that pages to
// system memory, or whatever else begins there. Pure functions over what was measured.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/trial.hpp"
#include "search/time_model.hpp"

namespace sweetspot::search {

/// One config whose speed counts: a layer count of a sweep, a placement of a tune.
struct KnownSpeed {
  Features at;
  bool on_device = true;        ///< false: the CPU alone
  std::vector<Estimate> loads;  ///< ms of each load it was measured in; not empty

  /// Over its loads.
  [[nodiscard]] Estimate ms() const;
};

/// From two loads of the same config one estimate; the interval holds what the loads differ by.
Estimate together(const std::vector<Estimate>& loads);

/// What is believed of such configs before anything is measured, `scale_ms` being the longest.
using PriorOf = std::function<TimePrior(double scale_ms)>;

/// Whether `one` lies off the curve of those with less on the device: slower than they let expect
/// by more than the tolerance, and slower than one of them that is on the device and faster than
/// the CPU alone. Where a device is slower than the CPU, all that is moved to it may cost time, and
/// nothing can be said. `below`: each has a part of what `one` has on the device and nothing else;
/// the CPU alone among them or not.
bool falls_off(const PriorOf& prior, const std::vector<KnownSpeed>& below, const KnownSpeed& one,
               double tolerance);

/// A layer count and what a token takes there.
struct CountMs {
  int layers = 0;
  double ms = 0;
};

/// Whether time bends there instead of jumping: the first of the counts that fall off lies no
/// higher than the straight way from the last good one to the farthest of them. Two unlike devices
/// look like that, and a card that slows down as it fills; it is to be learnt from. Of one count
/// nobody can tell. `off`: ascending, above `good`.
bool is_bend(const CountMs& good, const std::vector<CountMs>& off);

/// Of a sweep, the last count that is good and the first one that is not.
struct Gap {
  int good = 0;
  int bad = 0;
};

/// The count between `good` and `bad` that halves what is unknown: nothing where they are
/// neighbours. `open`: ascending.
std::optional<int> middle_of(const Gap& gap, const std::vector<int>& open);

}  // namespace sweetspot::search
