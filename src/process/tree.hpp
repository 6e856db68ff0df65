// Ends a process with everything it started, also what left its group and session.
//
// A group kill misses a grandchild that called setsid(). Two traces remain: the chain of parents
// while the parents live, and an environment variable (the marker) that every descendant inherits.
// One that forked twice and cleared its environment has neither; below a subreaper it becomes a
// child of ours that we did not start, and whose it is owned_roots.hpp decides.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "process/owned_roots.hpp"

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
  /// The roots that we own, where orphans come to us and we make no children but them; empty, as
  /// without become_subreaper(), and no child of ours is taken for an orphan.
  std::function<std::vector<OwnedRoot>()> roots = {};
};

/// The real system: /proc, kill(2), waitpid(2).
ProcessTable system_process_table();

struct TreeEnd {
  bool gone = false;  ///< false: something is left that even SIGKILL did not end (D state)
  std::optional<ExitStatus> status;  ///< of the root, where it was reaped here
};

/// What is to be ended.
struct Tree {
  OwnedRoot root;       ///< leads its group, or is in ours
  bool reaped = false;  ///< it ended in an earlier try: its number may be another's by now
  std::string marker;   ///< "NAME=value"
};

/// Kills the root and every descendant, orphans that can only be its own included; reaps what is
/// ours to reap. Returns when nothing is left or after `timeout`. An orphan that may as well be
/// another living root's stays until that one is ended.
TreeEnd kill_tree(const ProcessTable& table, const Tree& tree, std::chrono::milliseconds timeout);

/// Kills and reaps every child of ours that is not older than `since_ticks`, with all below it.
/// True when nothing is left.
bool kill_children(const ProcessTable& table, std::uint64_t since_ticks,
                   std::chrono::milliseconds timeout);

/// Orphans below this process become its children from now on, so that kill_tree() can find and
/// reap them; at exit() whatever is left of what we started is ended. Only for a program that makes
/// no children but by this room: call once at its start. False where the kernel refuses.
bool become_subreaper();

/// Whether /proc is there: without it what is started could not be found again, and a worker reads
/// headers through /proc/self/fd, so that nothing is started. The error says so, kind host_limit.
bool can_see_processes();
Error no_proc();

/// In ticks of the system, as ProcessEntry has it; 0 where /proc does not say.
std::uint64_t start_ticks_of(pid_t pid);

}  // namespace sweetspot::process
