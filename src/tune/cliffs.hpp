// Which placements lie beyond a cliff: what they have on the device costs time there although it
// should save it, as on a device that pages. The rule is the sweep's (search/cliff.hpp). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/reading.hpp"
#include "tune/arms.hpp"
#include "tune/placement_shape.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// Immutable.
class Cliffs {
 public:
  /// Each arm is held against those of its context that have a part of what it has on the device.
  /// An arm on the curve with more there than one that fell off shows that this was no cliff. A
  /// bend is none to a sweep, which predicts the whole curve; a tune looks for what is best, and
  /// that lies in front of either.
  Cliffs(const std::vector<Arm>& arms, const PlacementShape& shape, const Rules& rules);

  /// So much on the device was measured, and is not learnt from, with whatever context: it fell off
  /// the curve; or something did, and this takes more memory than all that is known to be good and
  /// was no faster than what has less on the device.
  [[nodiscard]] bool is_off(const Placement& placement) const;

  /// So much or more lies beyond a cliff that is known: seen with two placements of which one has a
  /// part of the other, or called spilled. `vram_bytes`: as predicted.
  [[nodiscard]] bool is_closed(const Placement& placement,
                               const Reading<std::uint64_t>& vram_bytes) const;

  /// It lies between a placement on the curve that has something on the device, and one that fell
  /// off it.
  [[nodiscard]] bool is_in_gap(const Placement& placement) const;

  /// Of `open`, indexes into `points`, the one that halves the gap that `asked` lies in or beyond;
  /// `asked` itself where there is none.
  [[nodiscard]] std::size_t halved(std::size_t asked, const std::vector<Config>& points,
                                   const std::vector<std::size_t>& open) const;

  /// Those that lie on the curve, or that nothing can be said of.
  [[nodiscard]] std::vector<Arm> learnt_from(const std::vector<Arm>& arms) const;

 private:
  struct Measured {
    DeviceParts parts;
    double cost = 0;
    double vram_bytes = 0;
    bool is_sure = false;  ///< faster than all with less; or off, and confirmed
  };
  struct Gap {
    DeviceParts good;
    DeviceParts bad;
  };

  void clear_below(const DeviceParts& parts);
  void confirm();
  void doubt();
  [[nodiscard]] std::optional<Gap> gap_around(const DeviceParts& parts) const;

  const PlacementShape* shape_;
  std::vector<Measured> good_;  ///< on a device
  std::vector<Measured> off_;
  std::vector<DeviceParts> doubtful_;
};

}  // namespace sweetspot::tune
