// Writes events to the supervisor. Nothing else in this program writes to its descriptor.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "protocol/messages.hpp"

namespace sweetspot::answering {

/// Thread safe. A write that fails means that the supervisor is gone: the process ends at once.
class Outbox {
 public:
  explicit Outbox(int fd) : fd_(fd) {}

  void send(std::uint64_t id, protocol::Event event);

 private:
  int fd_;
  std::mutex mutex_;
};

/// The events of one request. Used by the thread that works on it only.
class Reply {
 public:
  Reply(Outbox& outbox, std::uint64_t id) : outbox_(outbox), id_(id) {}

  /// At most about ten of the same phase per second are sent; the rest are dropped.
  void progress(Phase phase, double fraction);
  void send(protocol::Event event) { outbox_.send(id_, std::move(event)); }

 private:
  Outbox& outbox_;
  std::uint64_t id_;
  Phase last_phase_ = Phase::start;
  std::chrono::steady_clock::time_point last_{};
};

/// Ends the process now, whatever its threads are doing. Used when there is nobody left to talk to.
[[noreturn]] void leave();

/// What leave() does first, once, on the thread that leaves. Call before there are threads.
void when_leaving(std::function<void()> last);

}  // namespace sweetspot::answering
