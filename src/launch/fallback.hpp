// What next, after a program ended: the same profile, the next one, or an end. Pure; no clock but
// the one it is given.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "launch/end.hpp"

namespace sweetspot::launch {

struct FallbackRules {
  int restarts = 3;  ///< of one profile within the window, after it had worked
  double restart_window_seconds = 600;
  /// A program that answers and ends (llama-cli) is not started again once it has worked, nor
  /// where it says no with an exit code.
  bool restart_after_healthy = true;
};

struct Next {
  std::optional<std::size_t> rung;  ///< to start; empty = the launch is over
  bool again = false;               ///< the same one as before
  int exit_code = 0;                ///< where it is over
  std::optional<Error> error = {};  ///< why, where that is not the program's own doing
};

class Fallback {
 public:
  /// Rungs 0 .. rungs - 1, the last one takes least; starts with `first`.
  Fallback(std::size_t rungs, std::size_t first, FallbackRules rules = {})
      : rungs_(rungs), rung_(first), rules_(rules) {}

  [[nodiscard]] std::size_t rung() const { return rung_; }

  /// How many there are from here on, this one included.
  [[nodiscard]] std::size_t rungs_left() const { return rungs_ - rung_; }

  /// `healthy` = it had worked. `now_seconds` never goes back.
  Next after(const End& end, bool healthy, double now_seconds);

  /// The time for becoming healthy is over.
  [[nodiscard]] static Next out_of_time(const End& last, double seconds);

  /// Another one was started for a reason of its own (--adapt).
  void move_to(std::size_t rung);

 private:
  Next step_down(const End& end);
  bool may_restart(double now_seconds);

  std::size_t rungs_;
  std::size_t rung_;
  FallbackRules rules_;
  std::deque<double> restarts_;  // times, of this rung
};

}  // namespace sweetspot::launch
