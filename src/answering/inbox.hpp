// Reads the supervisor's requests on a thread of its own.
//
// The thread outlives every request: `stop` gets through during a measurement, and when the
// supervisor closes its end (or dies) the process ends at once, even inside a library call that
// never returns.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "core/error.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::answering {

class Inbox {
 public:
  explicit Inbox(int fd) : fd_(fd) {}

  /// Reads until the end of the stream, then ends the process. Runs on the reader thread.
  [[noreturn]] void run();

  /// Waits for the next request, or for a line that is none. `stop` is never returned.
  Result<protocol::RequestMessage> next();

  /// True once `stop` followed the request that next() returned last.
  [[nodiscard]] const std::atomic<bool>& stopped() const { return stopped_; }

 private:
  void accept(const std::string& line);

  int fd_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Result<protocol::RequestMessage>> queue_;
  std::atomic<bool> stopped_{false};
};

}  // namespace sweetspot::answering
