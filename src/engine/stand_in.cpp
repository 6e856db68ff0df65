#include "engine/stand_in.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "engine/failure.hpp"
#include "os/socket.hpp"

namespace sweetspot::engine {
namespace {

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kListenDeadline{5000};
constexpr std::chrono::milliseconds kListenPoll{5};
constexpr int kConnectTimeoutMs = 1000;

bool listens_soon(int port, const Worker& worker) {
  const auto deadline = std::chrono::steady_clock::now() + kListenDeadline;
  while (worker.alive() && std::chrono::steady_clock::now() < deadline) {
    if (os::try_connect("127.0.0.1", port, kConnectTimeoutMs).empty()) return true;
    std::this_thread::sleep_for(kListenPoll);
  }
  return false;
}

}  // namespace

bool StandIn::can_start(const StartOptions& options) {
  return options.engine_program.empty() || options.linked_worker.has_value();
}

Result<StandIn> StandIn::start(const StartOptions& options) {
  if (!can_start(options)) {
    return error(ErrorKind::device,
                 "a card that is not here is planned for with sweetspot's own worker "
                 "(sweetspot-worker), which is not here either",
                 "name a device with --rpc, or build sweetspot with its own worker");
  }
  std::string last = "no free port was found";
  for (int i = 0; i < kTries; ++i) {
    const auto port = os::free_loopback_port();
    if (!port) continue;
    StartOptions own = options;
    own.rpc.clear();
    own.program = options.linked_worker.value_or(options.program);
    Outcome<Worker> worker = Worker::start(own);
    if (!worker) return tl::unexpected(as_error(worker.error()));
    protocol::ServeRequest request;
    request.port = *port;
    const auto ready = worker->serve(request);
    if (!ready && ready.error().failure_class == FailureClass::cancelled) {
      return tl::unexpected(as_error(ready.error()));
    }
    if (ready && listens_soon(*port, *worker)) {
      return StandIn(*std::move(worker), fmt::format("127.0.0.1:{}", *port));
    }
    last = ready ? "it did not listen" : ready.error().message;
  }
  return error(ErrorKind::device, "no stand-in for a device could be started: " + last,
               "name a device with --rpc, or plan on a machine that has one");
}

}  // namespace sweetspot::engine
