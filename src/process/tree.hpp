// Ending a process with everything it started, whatever those did to hide.
//
// A group kill misses a grandchild that called setsid(). Two traces remain: the chain of parents
// while the parents live, and an environment variable (the marker) that every descendant inherits.
// Together with a subreaper, which makes orphans our children, the sweep finds and reaps all of
// them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sweetspot::process {

/// How a process ended: exactly one is set.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;

  bool operator==(const ExitStatus&) const = default;
};

/// A process as the system lists it.
struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;  ///< with pid, an identity that is never used twice
  bool zombie = false;
  bool marked = false;  ///< carries the marker that was asked for
};

/// What ending a tree asks of the system. Tests hand in one that never reports an exit.
struct ProcessTable {
  /// All processes that can be seen; `marker` is "NAME=value".
  std::function<std::vector<ProcessEntry>(const std::string& marker)> list;
  /// SIGKILL to a process, or to a group where `pid` is negative.
  std::function<void(pid_t pid)> kill;
  /// Reaps a child of ours if it has ended. Never blocks.
  std::function<std::optional<ExitStatus>(pid_t pid)> reap;
};

/// The real system: /proc, kill(2), waitpid(2).
ProcessTable system_process_table();

struct TreeEnd {
  bool gone = false;  ///< false: something is left that even SIGKILL did not end (D state)
  std::optional<ExitStatus> status;  ///< of the root, where it was reaped here
};

/// Kills `root`, which leads its own group and has not been reaped, and every descendant; reaps
/// what is ours to reap. Returns when nothing is left or after `timeout`.
TreeEnd kill_tree(const ProcessTable& table, pid_t root, const std::string& marker,
                  std::chrono::milliseconds timeout);

/// Orphans below this process become its children from now on, so that kill_tree() can reap them.
/// Call once at the start of the program. False where the kernel refuses.
bool become_subreaper();

}  // namespace sweetspot::process
