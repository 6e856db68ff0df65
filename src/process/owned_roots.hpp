// Internal to this room: the processes that we started and have not ended yet, and whose orphan a
// child of ours is that none of them is.
//
// A process that forks twice, calls setsid() and clears its environment loses every trace of where
// it came from but one: below a subreaper it becomes our child. The program makes no children but
// by start_process(), so such a child came from one of these roots; from which one, the times of
// their starts tell, or the end of all others.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <vector>

namespace sweetspot::process {

struct OwnedRoot {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;  ///< 0 = unknown: no /proc
  bool ending = false;            ///< we want its tree gone, whoever ends what is left of it

  [[nodiscard]] bool same(const OwnedRoot& other) const {
    return pid == other.pid && start_ticks == other.start_ticks;
  }
};

/// Whether a child of ours that is no root and started at `start_ticks` may be ended with `root`:
/// it is not older, and cannot have come from any other of `owned` that is to live. Pure.
bool ends_with(const OwnedRoot& root, const std::vector<OwnedRoot>& owned,
               std::uint64_t start_ticks);

/// Thread safe. One for the process, and one for each test.
class OwnedRoots {
 public:
  /// Held from before a fork until add(): nobody may take the new child for an orphan.
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(mutex_); }

  /// Under hold().
  void add(OwnedRoot root);

  void set_ending(pid_t pid);
  void remove(pid_t pid);
  [[nodiscard]] std::vector<OwnedRoot> list();

  /// When the first of all was started; 0 = none was. What is older was there before we began, as
  /// children that a shell leaves to the program it becomes.
  [[nodiscard]] std::uint64_t first_start_ticks();

 private:
  std::mutex mutex_;
  std::vector<OwnedRoot> roots_;
  std::uint64_t first_start_ticks_ = 0;
};

OwnedRoots& owned_roots();

}  // namespace sweetspot::process
