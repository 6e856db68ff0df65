// When to change the profile of a program that runs, because others take memory or give it back.
// Pure; no clock but the one it is given.
#pragma once

#include <cstddef>
#include <optional>

namespace sweetspot::launch {

struct AdaptRules {
  double down_after_seconds = 5;  ///< memory is short for so long without a pause
  double up_after_seconds = 60;   ///< memory is there for so long without a pause
  /// A move up that has to be undone within so many `up_after_seconds` was too early: the next one
  /// waits twice as long, up to kMostPatience times.
  double early_factor = 2;
};

inline constexpr double kMostPatience = 8;

/// Rungs are numbered from the fastest, 0; a higher one takes less memory.
class Adapt {
 public:
  explicit Adapt(AdaptRules rules = {}) : rules_(rules) {}

  /// The rung to move to, or nothing. `running` is the one that runs, `wanted` the one that would
  /// be chosen if it were not running; nothing where nobody can tell. `now_seconds` never goes
  /// back.
  std::optional<std::size_t> look(std::size_t running, std::optional<std::size_t> wanted,
                                  double now_seconds);

  /// A change has been made, whoever wanted it: what was seen before does not count any more.
  void moved(std::size_t from, std::size_t to, double now_seconds);

 private:
  [[nodiscard]] double up_after() const { return rules_.up_after_seconds * patience_; }

  AdaptRules rules_;
  double patience_ = 1;
  double down_since_ = -1;  // -1 = not now
  double up_since_ = -1;
  std::size_t up_to_ = 0;  // the least that was wanted since
  double moved_up_at_ = -1;
};

}  // namespace sweetspot::launch
