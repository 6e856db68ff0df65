#include "answering/outbox.hpp"

#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <utility>

#include "protocol/channel.hpp"

namespace sweetspot::answering {
namespace {

constexpr auto kProgressInterval = std::chrono::milliseconds(100);

// Never destroyed: threads run until the process ends.
std::function<void()>& last_of_all() {
  static auto* const last = new std::function<void()>;
  return *last;
}

}  // namespace

void when_leaving(std::function<void()> last) { last_of_all() = std::move(last); }

void leave() {
  static std::once_flag once;
  // Whoever comes second waits for the first.
  std::call_once(once, [] {
    if (last_of_all()) last_of_all()();
  });
  ::_exit(EXIT_SUCCESS);
}

void Outbox::send(std::uint64_t id, protocol::Event event) {
  const std::string line = protocol::encode(protocol::EventMessage{id, std::move(event)});
  const std::lock_guard lock(mutex_);
  if (!protocol::write_line(fd_, line)) leave();
}

void Reply::progress(Phase phase, double fraction) {
  const auto now = std::chrono::steady_clock::now();
  if (phase == last_phase_ && now - last_ < kProgressInterval) return;
  last_phase_ = phase;
  last_ = now;
  send(protocol::Progress{phase, fraction});
}

}  // namespace sweetspot::answering
