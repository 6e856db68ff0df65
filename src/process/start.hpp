// Internal to this room: fork and exec with exactly the descriptors that are wanted, and what every
// process that we start has in common. Child and Foreground are made of it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "os/descriptor.hpp"
#include "process/child_cgroup.hpp"
#include "process/owned_roots.hpp"
#include "process/tree.hpp"

namespace sweetspot::process {

using os::Descriptor;

struct Pipe {
  Descriptor read;
  Descriptor write;
};

/// Close-on-exec at both ends. Nothing where the system gives none; errno says why.
std::optional<Pipe> make_pipe();

/// One of ours and the number it gets in the started process.
struct PlacedDescriptor {
  int ours = -1;
  int theirs = -1;
};

/// What is decided before the fork; it must outlive start_process().
struct StartPlan {
  std::vector<std::string> argv;              ///< argv[0] is the program's path
  std::vector<std::string> environment;       ///< all of it, as "NAME=value"
  std::vector<PlacedDescriptor> descriptors;  ///< all others from `first_closed_fd` are closed
  int first_closed_fd = 3;
  std::vector<int> default_signals;  ///< set back to the system's default
  bool own_session = false;          ///< Ctrl-C on the terminal does not reach it
  bool dump_core = true;
  bool own_cgroup = true;  ///< where the system allows one
};

struct StartedProcess {
  OwnedRoot root;                     ///< in owned_roots() until its tree has been ended
  std::optional<ChildCgroup> cgroup;  ///< where the system allows one
};

/// The kernel kills the process (SIGKILL) when the calling thread ends. Errors are those of
/// cannot_start().
Result<StartedProcess> start_process(StartPlan plan);

/// "SWEETSPOT_CHILD=..." with a value that nobody else has.
std::string unique_marker();

/// Our environment with `wanted` ("NAME=value") added, or replacing what has the name; what begins
/// with `without` is left out of ours (empty = nothing).
std::vector<std::string> environment_with(std::vector<std::string> wanted,
                                          std::string_view without = {});

/// The sentence where `program` could not be started because of `problem` (errno). Of kind
/// host_limit where the machine gives no more, else internal.
tl::unexpected<Error> cannot_start(const std::string& program, int problem);

/// A process that we started and have to end. Not thread safe.
class OwnedProcess {
 public:
  OwnedProcess(StartedProcess started, std::string marker, ProcessTable table)
      : root_(started.root),
        cgroup_(std::move(started.cgroup)),
        marker_(std::move(marker)),
        table_(std::move(table)) {}

  [[nodiscard]] pid_t pid() const { return root_.pid; }
  [[nodiscard]] const std::string& marker() const { return marker_; }

  /// How it ended, or nothing while it runs. Does not reap, does not block.
  [[nodiscard]] std::optional<ExitStatus> exit_status() const;

  /// Waits for it to end by itself.
  [[nodiscard]] std::optional<ExitStatus> wait_exit(std::chrono::milliseconds timeout) const;

  /// Ends it and all it started, and reaps. True when nothing is left. Idempotent.
  bool kill_tree(std::chrono::milliseconds timeout);

  /// How long a destructor may wait: no longer than a second, and not a second time.
  [[nodiscard]] std::chrono::milliseconds last_wait() const;

 private:
  [[nodiscard]] bool group_is_empty(std::chrono::steady_clock::time_point deadline) const;

  OwnedRoot root_;
  std::optional<ChildCgroup> cgroup_;
  std::string marker_;
  ProcessTable table_;
  std::optional<ExitStatus> reaped_;
  bool tried_ = false;  // to end it
  bool gone_ = false;
};

}  // namespace sweetspot::process
