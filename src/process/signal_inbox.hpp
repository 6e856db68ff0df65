// Signals as values: for a program that has to pass them on.
#pragma once

#include <optional>

namespace sweetspot::process {

struct CaughtSignal {
  int number = 0;
  /// The terminal sent it to the whole process group (Ctrl-C), so our programs have it already.
  bool from_terminal = false;
};

/// While it lives, SIGINT, SIGTERM, SIGHUP and SIGQUIT end nothing but wait here. One that was
/// ignored before (nohup) stays ignored. One inbox at a time; its destructor puts the old handlers
/// back. Not thread safe, but any thread may get the signals.
class SignalInbox {
 public:
  SignalInbox();
  ~SignalInbox();
  SignalInbox(const SignalInbox&) = delete;
  SignalInbox& operator=(const SignalInbox&) = delete;

  /// Readable while a signal waits; for poll(), never to be read. -1 where the system gave none.
  [[nodiscard]] int fd() const;

  /// The oldest one that waits, taken out.
  std::optional<CaughtSignal> next();
};

}  // namespace sweetspot::process
