// A program that runs in our place: its input is ours, what it prints passes through to our stdout
// and stderr while the tail of it is kept, and it cannot outlive us.
//
// It stays in our session and process group, so that a terminal works as if it had been started
// there: Ctrl-C and Ctrl-Z reach it too. Other descriptors of ours are closed in it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "process/output_tail.hpp"
#include "process/tree.hpp"

namespace sweetspot::process {

struct ForegroundOptions {
  std::vector<std::string> argv;         ///< argv[0] is the program's path; PATH is not searched
  std::vector<std::string> environment;  ///< "NAME=value", added to ours or replacing it
  bool own_cgroup = true;                ///< false, for tests: as where the system allows none
};

/// Not thread safe. Start it from a thread that lives at least as long as the program: the kernel
/// kills the program when that thread ends. Ignores SIGPIPE in this process; the program does not.
class Foreground {
 public:
  /// Errors are of kind internal: the program cannot be executed, or no process can be made.
  static Result<Foreground> start(const ForegroundOptions& options);

  ~Foreground();  ///< ends the tree, waiting a second at most
  Foreground(Foreground&&) noexcept;
  Foreground& operator=(Foreground&&) noexcept;

  [[nodiscard]] pid_t pid() const;

  /// "NAME=value", found in the environment of every descendant.
  [[nodiscard]] const std::string& marker() const;

  [[nodiscard]] const OutputTail& standard_output() const;
  [[nodiscard]] const OutputTail& standard_error() const;

  /// What is kept of both, stdout's first. Raw: may hold anything.
  [[nodiscard]] std::string printed() const;

  /// How it ended, or nothing while it runs. Does not reap, does not block.
  [[nodiscard]] std::optional<ExitStatus> exit_status() const;
  [[nodiscard]] std::optional<ExitStatus> wait_exit(std::chrono::milliseconds timeout) const;

  /// Sends a signal to the program; nothing where it has ended.
  void send(int signal) const;

  /// SIGKILL to the program and all it started, then reaping; then what they printed last is passed
  /// on. True when nothing is left. Idempotent.
  bool kill_tree(std::chrono::milliseconds timeout = std::chrono::seconds(5));

 private:
  struct State;
  explicit Foreground(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What a shell reports of it: the exit code, or 128 and the signal's number.
int shell_code(const ExitStatus& status);

}  // namespace sweetspot::process
