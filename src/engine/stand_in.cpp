#include "engine/stand_in.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <thread>

#include "engine/failure.hpp"
#include "os/descriptor.hpp"

namespace sweetspot::engine {
namespace {

constexpr int kTries = 3;
constexpr std::chrono::milliseconds kListenDeadline{5000};
constexpr std::chrono::milliseconds kListenPoll{5};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

/// A port that was free a moment ago.
std::optional<int> free_port() {
  const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::nullopt;
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
  return bound ? std::optional<int>(ntohs(address.sin_port)) : std::nullopt;
}

bool accepts(int port) {
  const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return false;
  const sockaddr_in address = loopback(port);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

bool listens_soon(int port, const Worker& worker) {
  const auto deadline = std::chrono::steady_clock::now() + kListenDeadline;
  while (worker.alive() && std::chrono::steady_clock::now() < deadline) {
    if (accepts(port)) return true;
    std::this_thread::sleep_for(kListenPoll);
  }
  return false;
}

}  // namespace

Result<StandIn> StandIn::start(const StartOptions& options) {
  std::string last = "no free port was found";
  for (int i = 0; i < kTries; ++i) {
    const auto port = free_port();
    if (!port) continue;
    StartOptions own = options;
    own.rpc.clear();
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
