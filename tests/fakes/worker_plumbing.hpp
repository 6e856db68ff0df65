// What the pretended workers share: their script, their voice and an ear for `stop`.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "core/json.hpp"
#include "protocol/channel.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::fake {

/// JSON in an environment variable, or "@/path/to/file"; an empty object where it is not set.
/// Throws nlohmann's exceptions: a test that wrote nonsense shall see its worker die.
inline Json json_from_environment(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  if (text == nullptr) return Json::object();
  if (*text != '@') return Json::parse(text);
  std::ifstream file(text + 1);
  return Json::parse(file);
}

[[noreturn]] inline void sleep_for_ever() {
  for (;;) pause();
}

/// Writes events; from any thread. When nobody listens any more the process ends.
class Mouth {
 public:
  void say(std::uint64_t id, protocol::Event event) {
    say_line(encode(protocol::EventMessage{id, std::move(event)}));
  }

  void say_line(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (!protocol::write_line(protocol::kEventFd, line)) _exit(0);
  }

  void say_raw(const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t count = write(protocol::kEventFd, bytes.data() + done, bytes.size() - done);
      if (count <= 0) _exit(0);
      done += static_cast<std::size_t>(count);
    }
  }

  /// No heartbeat comes after this, not even one that was about to be said.
  void be_silent() {
    const std::lock_guard lock(mutex_);
    silent_ = true;
  }

  /// For a thread of its own: a heartbeat now and then, until told to be silent.
  [[noreturn]] void beat(std::chrono::milliseconds every) {
    const std::string line = encode(protocol::EventMessage{0, protocol::Heartbeat{}});
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (!silent_ && !protocol::write_line(protocol::kEventFd, line)) _exit(0);
      }
      std::this_thread::sleep_for(every);
    }
  }

 private:
  std::mutex mutex_;
  bool silent_ = false;
};

/// Whether `stop` has come. Ends the process when the supervisor is gone.
inline bool stop_requested(protocol::LineReader& reader) {
  const protocol::ReadResult read = reader.read_line(std::chrono::milliseconds(0));
  if (read.status == protocol::ReadStatus::closed) _exit(0);
  if (read.status != protocol::ReadStatus::line) return false;
  const auto message = protocol::decode_request(read.line);
  return message && std::holds_alternative<protocol::StopRequest>(message->request);
}

}  // namespace sweetspot::fake
