// A row of ever stronger changes, and the mildest of them that is enough. Private to changes.cpp.
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/config.hpp"
#include "core/memory_map.hpp"
#include "plan/answers.hpp"

namespace sweetspot::plan {

/// Searched in eighths: ask `next_rungs`, tell each of them in ascending order. A ladder of up to
/// eight rungs is asked whole; of a longer one it is assumed that what is above a rung that is
/// enough is enough too, and the rung below the one found was told not to be.
class Ladder {
 public:
  /// `config_of` makes the config of a rung, 0 .. rungs - 1, mildest first.
  Ladder(ChangeKind kind, int rungs, std::function<Config(int)> config_of)
      : kind_(kind), rungs_(rungs), enough_(rungs), config_of_(std::move(config_of)) {}

  [[nodiscard]] ChangeKind kind() const { return kind_; }
  [[nodiscard]] Config config(int rung) const { return config_of_(rung); }
  [[nodiscard]] std::vector<int> next_rungs() const;  ///< ascending; empty = the search is over
  void tell(int rung, bool enough, const PlannedMemory& planned);

  /// Once the search is over: the mildest rung that is enough, if there is one, and its memory.
  [[nodiscard]] std::optional<int> mildest() const;
  [[nodiscard]] const PlannedMemory& planned() const { return planned_; }

 private:
  ChangeKind kind_;
  int rungs_;
  int too_mild_ = -1;  ///< the strongest rung known to be too mild
  int enough_;         ///< the mildest rung known to be enough; rungs_ = none yet
  std::function<Config(int)> config_of_;
  PlannedMemory planned_;
};

}  // namespace sweetspot::plan
