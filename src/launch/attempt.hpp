// Internal to this room: one start of the program with one profile, until it ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "launch/end.hpp"
#include "launch/launch.hpp"
#include "launch/limits.hpp"
#include "launch/relay.hpp"
#include "process/foreground.hpp"

namespace sweetspot::launch {

struct AttemptEnd {
  enum class What {
    ended,    ///< by itself, or by us because it did not become healthy
    stopped,  ///< because a signal told us to end
    moved,    ///< to make room for another profile
  };
  What what = What::ended;
  End end;
  bool healthy = false;  ///< it had worked
  std::size_t to = 0;    ///< where it moved
};

class Attempt {
 public:
  /// `share` is the time it may take to become healthy.
  Attempt(const Job& job, const SavedProfile& profile, Share share, Relay& relay)
      : job_(job), profile_(profile), share_(share), relay_(relay) {}

  /// Starts the program. Nothing where it runs; otherwise why no other profile would help.
  std::optional<End> start(const std::vector<std::string>& command);

  /// Waits until it works. Nothing where it does; otherwise how it ended, or was stopped.
  std::optional<AttemptEnd> wait_healthy(Healthy& healthy);

  /// Waits until it ends. `look` is called every look_seconds and says where to move to.
  AttemptEnd wait_end(const std::function<std::optional<std::size_t>()>& look);

 private:
  enum class State { starting, waiting, working };

  [[nodiscard]] bool go_on();
  [[nodiscard]] bool takes_connections() const;
  State state_of_program();
  State state_of_server();
  State state_of_cli();
  std::optional<AttemptEnd> probe_it(Healthy& healthy);
  std::optional<AttemptEnd> ended(bool healthy);
  AttemptEnd give_up(End end);
  bool drain();
  void stop(double seconds);
  [[nodiscard]] std::string name() const;

  const Job& job_;
  const SavedProfile& profile_;
  Share share_;
  Relay& relay_;
  std::optional<process::Foreground> program_;
  std::chrono::steady_clock::time_point started_{};
};

}  // namespace sweetspot::launch
