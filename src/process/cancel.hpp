// Being asked to stop: one flag that threads, polls and signal handlers can share.
#pragma once

#include <atomic>

namespace sweetspot::process {

/// Once cancelled it stays so. All members may be called from any thread; cancel() also from a
/// signal handler.
class CancelToken {
 public:
  CancelToken();
  ~CancelToken();
  CancelToken(const CancelToken&) = delete;
  CancelToken& operator=(const CancelToken&) = delete;

  /// Async-signal-safe and idempotent.
  void cancel() noexcept;

  [[nodiscard]] bool cancelled() const noexcept { return cancelled_.load(); }

  /// Becomes readable with the first cancel() and stays so; for poll(), never to be read.
  /// -1 where the system gave no descriptor: then only cancelled() tells.
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  std::atomic<bool> cancelled_{false};
  int fd_ = -1;
};

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT cancel `token` from now on, a second one does the same
/// again: nothing is ever cut off half-way by a signal. SIGHUP and SIGQUIT stay ignored where they
/// are (nohup). One token at a time; its destructor detaches it. Also does ignore_broken_pipes().
void cancel_on_signals(CancelToken& token);

/// Writing to a process that died becomes an error (EPIPE) instead of the end of this one.
void ignore_broken_pipes();

}  // namespace sweetspot::process
