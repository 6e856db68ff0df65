// Starts a program with a profile and stays with it: waits until it works, takes the next profile
// where it does not, starts it again where it was killed, passes signals on, and gives back its
// exit code (R42).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/profile_set.hpp"
#include "launch/adapt.hpp"
#include "launch/command.hpp"
#include "launch/events.hpp"
#include "launch/fallback.hpp"
#include "launch/limits.hpp"
#include "launch/watcher.hpp"
#include "process/signal_inbox.hpp"

namespace sweetspot::launch {

struct Job {
  Program program;
  Loader loader;  ///< who that is to the reports: loader_of(program)
  std::string model_path;
  std::vector<SavedProfile> rungs;  ///< fastest first; each takes less than the one before it
  std::size_t first = 0;            ///< the one to begin with; those before it are for `adapt`
  std::vector<std::string> rpc;
  ServerAddress address;  ///< of a program with a port
  Limits limits;
  FallbackRules fallback;
  WatchRules watch;
  bool probe = true;                ///< a server has to answer a request before it counts
  std::optional<AdaptRules> adapt;  ///< empty: the profile stays
  double look_seconds = 1;          ///< between two looks at the devices while it runs
};

/// What a launch asks and tells. Each may be empty; all are called on its thread.
struct Surroundings {
  Observer on_event;
  std::function<void(const LoadReport&)> on_report;
  std::function<Reading<std::uint64_t>(const std::string& device)> free_bytes;
  std::function<std::vector<DeviceStatus>()> devices;
  /// The rung that would be chosen now if the one that runs gave its memory back.
  std::function<std::optional<std::size_t>(std::size_t running)> wanted_rung;
};

/// Runs until the program has ended for good; nothing of it is left then. The exit code is the
/// program's, or 128 + signal, or that of the error in the last event.
int run(const Job& job, const Surroundings& surroundings, process::SignalInbox& signals);

}  // namespace sweetspot::launch
