// What a launch reports while it goes on. Nothing here is needed by the program that runs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/error.hpp"

namespace sweetspot::launch {

struct Starting {
  std::string profile;
  std::vector<std::string> command;
};

/// It works: what `profile` promises is there.
struct Healthy {
  std::string profile;
  double seconds = 0;       ///< since it was started
  std::uint32_t depth = 0;  ///< tokens of context that a request has filled; 0 = nobody asked
  std::string doubt;        ///< why the whole depth is not proven; empty where it is
  bool inputs = false;      ///< it only reads: `depth` is that of one input
};

/// A profile could not be started, or did not last.
struct Failed {
  std::string profile;
  std::string message;  ///< a clause
  std::string next;     ///< profile that comes next; empty = none
};

/// It had worked and ended: the same profile again.
struct Restarting {
  std::string profile;
  std::string message;
};

/// Memory, spill or clocks; see launch/watcher.hpp.
struct Warned {
  std::string text;
};

struct Moving {
  std::string from;
  std::string to;
  bool down = true;  ///< others need memory; otherwise it is back
};

struct Finished {
  int exit_code = 0;
  std::optional<Error> error = {};  ///< where it is not the program's own doing
};

using Event = std::variant<Starting, Healthy, Failed, Restarting, Warned, Moving, Finished>;

/// For people: one sentence without its full stop; empty where there is nothing to say.
std::string sentence(const Event& event);

/// Called on the thread that runs the launch; must be quick.
using Observer = std::function<void(const Event&)>;

}  // namespace sweetspot::launch
