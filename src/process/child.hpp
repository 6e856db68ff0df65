// A child process that talks over its own descriptors and cannot outlive us.
//
// In the child: requests arrive on descriptor 3, events leave on descriptor 4, stdin is /dev/null,
// stdout and stderr go into one pipe whose tail is kept, everything else is closed. It leads a
// session of its own (Ctrl-C on the terminal does not reach it), dumps no core, starts no debugger,
// and the kernel kills it when the thread that spawned it ends.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "process/cancel.hpp"
#include "process/output_tail.hpp"
#include "process/tree.hpp"

namespace sweetspot::process {

inline constexpr int kChildRequestFd = 3;
inline constexpr int kChildEventFd = 4;

/// The environment variable whose value is unique to each Child and inherited by what it starts.
inline constexpr const char* kMarkerName = "SWEETSPOT_CHILD";

struct SpawnOptions {
  std::vector<std::string> argv;  ///< argv[0] is the program's path; PATH is not searched
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours, or replacing it
  std::string_view without = {};        ///< variables of ours whose names begin so are left out
  std::size_t kept_bytes = kTailBytes;  ///< of what it prints

  // For tests.
  std::optional<ProcessTable> table = {};  ///< how the tree is ended; empty = the system's
  bool own_cgroup = true;                  ///< false: as where the system allows none
};

/// Not thread safe. Spawn from a thread that lives at least as long as the child: the kernel kills
/// the child when that thread ends. Ignores SIGPIPE in this process, or a dead child could end it.
class Child {
 public:
  /// Errors are of kind internal: the program cannot be executed, or no process can be made.
  static Result<Child> spawn(const SpawnOptions& options);

  ~Child();  ///< ends the tree, waiting a second at most
  Child(Child&&) noexcept;
  Child& operator=(Child&&) noexcept;

  [[nodiscard]] pid_t pid() const;

  /// Our ends: write requests here (non-blocking), read events there.
  [[nodiscard]] int request_fd() const;
  [[nodiscard]] int event_fd() const;

  /// Closes our end of the requests: the child reads their end. Nothing may be written any more.
  void end_requests();

  /// "NAME=value", found in the environment of every descendant.
  [[nodiscard]] const std::string& marker() const;

  [[nodiscard]] const OutputTail& output() const;

  /// Sends a signal to the child; nothing where it has ended.
  void send(int signal) const;

  /// How the child ended, or nothing while it runs. Does not reap, does not block.
  [[nodiscard]] std::optional<ExitStatus> exit_status() const;

  /// Waits for the child to end by itself.
  [[nodiscard]] std::optional<ExitStatus> wait_exit(std::chrono::milliseconds timeout) const;

  /// SIGKILL to the child and all it started, then reaping. True when nothing is left; false when
  /// something still is after `timeout` (uninterruptible sleep in a driver). Idempotent; a later
  /// call tries again.
  bool kill_tree(std::chrono::milliseconds timeout = std::chrono::seconds(5));

 private:
  struct State;
  explicit Child(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Why wait_for_end() came back.
enum class Waited { ended, cancelled, too_long };

/// Until the child ends by itself, or is to be ended. `cancel` may be nullptr.
Waited wait_for_end(const Child& child, std::chrono::milliseconds patience,
                    const CancelToken* cancel);

}  // namespace sweetspot::process
