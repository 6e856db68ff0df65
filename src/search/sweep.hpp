// Brute force over a list of layer counts, from safe to risky (R33). Ask/tell: no I/O, no clock.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/trial.hpp"

namespace sweetspot::search {

/// One configuration to measure.
struct SweepPoint {
  int layers = 0;          ///< effective: 0..offloadable
  bool cpu_alone = false;  ///< without any device; otherwise devices take part, even in 0 layers
  std::vector<int>
      requested_layers;  ///< every request that means it, each once, in the order given
  /// Set where it must not be tried: record a failed trial with this instead of measuring.
  std::optional<Failure> not_tried;
  std::string reason = {};  ///< why it is asked for once more; empty the first time
};

/// Hands out every effective layer count once, ascending: 0 layers are the CPU alone, and where
/// there is a device then 0 layers beside it, which reads prompts. Out of memory and crashes stop
/// nothing: each row that was asked for is tried. After two trials in a row that hung or lost the
/// device (search/hang.hpp), all that is left offloads more to the same device and comes
/// back as not_tried. The CPU alone, which all others are held against, comes once more at the end
/// where it was slowed down from outside or is too uncertain. Not thread safe.
class Sweep {
 public:
  /// `requested` as parse_layer_list() gives it; `offloadable` = the model's blocks and output.
  Sweep(const std::vector<int>& requested, int offloadable);

  /// The next point, or nothing when all are done. The same point again until tell() is called.
  [[nodiscard]] std::optional<SweepPoint> ask() const;

  /// What became of the point that ask() gave last, measured or failed. Trials of other points are
  /// ignored.
  void tell(const Trial& trial);

  /// All points, in the order they are handed out; not_tried is never set here.
  [[nodiscard]] const std::vector<SweepPoint>& points() const { return points_; }

  /// Points told so far; the reference that came again is none of its own.
  [[nodiscard]] std::size_t done() const { return next_; }

  /// Where the point that ask() gives stands among points().
  [[nodiscard]] std::size_t at() const { return next_ < points_.size() ? next_ : 0; }

 private:
  [[nodiscard]] Failure why_not_tried() const;
  [[nodiscard]] bool reference_is_due() const;

  std::vector<SweepPoint> points_;
  std::size_t next_ = 0;
  bool reference_is_spoiled_ = false;
  bool reference_came_again_ = false;
  std::vector<int> hung_in_a_row_;  ///< layer counts
  FailureClass last_hang_ = FailureClass::timed_out;
};

}  // namespace sweetspot::search
