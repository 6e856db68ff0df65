// Which single change of a context to try next, for one loaded model: coordinate ascent. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"

namespace sweetspot::tune {

/// A variation of the best config so far.
struct Variation {
  Config config;
  std::string title;   ///< "n_ubatch 1024"
  std::string reason;  ///< for people
};

struct KnobLimits {
  int physical_cores = 1;
  int logical_cores = 1;
  bool on_cpu = true;     ///< the CPU takes part in the work
  bool on_device = true;  ///< a device takes part
  bool allow_kv_quant = false;
  std::uint32_t n_prompt = 0;
  std::vector<std::string> fixed = {};  ///< knobs, by JSON name, that stay as they are
};

/// Walks over the knobs one after the other; of each it goes on in a direction as long as that
/// wins, then takes the next knob. Changes that cannot matter for the workload are left out. Not
/// thread safe.
class KnobWalk {
 public:
  KnobWalk(Config start, const KnobLimits& limits);

  /// The next variation, or nothing when the walk is over. The same until told.
  [[nodiscard]] std::optional<Variation> ask() const;

  /// Whether what ask() gave won against best().
  void tell(bool won);

  /// Where the walk stands.
  [[nodiscard]] const Config& best() const { return best_; }

 private:
  struct Change {
    std::string title;
    std::function<void(ContextSettings&)> make;
  };
  /// Changes of one knob in one direction, nearest first; a loss ends the direction.
  struct Direction {
    std::string knob;
    std::vector<Change> changes;
    std::string reason;
    bool skip_after_win = false;  ///< the direction before it won: this one lies behind us
  };

  [[nodiscard]] bool is_fixed(std::string_view knob) const;
  void add(Direction direction);
  void add_threads();
  void add_batches();
  void add_flash_attention();
  void add_cache_types();
  void next_direction(bool won_here);

  Config best_;
  KnobLimits limits_;
  std::vector<Direction> directions_;
  std::size_t direction_ = 0;
  std::size_t change_ = 0;
};

}  // namespace sweetspot::tune
