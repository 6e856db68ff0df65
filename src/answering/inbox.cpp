#include "answering/inbox.hpp"

#include <chrono>
#include <utility>
#include <variant>

#include "answering/outbox.hpp"
#include "protocol/channel.hpp"

namespace sweetspot::answering {

void Inbox::run() {
  protocol::LineReader reader(fd_);
  for (;;) {
    const protocol::ReadResult read = reader.read_line(std::chrono::milliseconds(-1));
    if (read.status != protocol::ReadStatus::line) leave();
    accept(read.line);
  }
}

void Inbox::accept(const std::string& line) {
  auto message = protocol::decode_request(line);
  const std::lock_guard lock(mutex_);
  if (message && std::holds_alternative<protocol::StopRequest>(message->request)) {
    stopped_ = true;
    return;
  }
  // Set here and not when the work begins: a stop that follows at once must not be lost.
  stopped_ = false;
  queue_.push_back(std::move(message));
  ready_.notify_one();
}

Result<protocol::RequestMessage> Inbox::next() {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [this] { return !queue_.empty(); });
  auto message = std::move(queue_.front());
  queue_.pop_front();
  return message;
}

}  // namespace sweetspot::answering
