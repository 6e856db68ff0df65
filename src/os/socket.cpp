#include "os/socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>

#include "os/descriptor.hpp"

namespace sweetspot::os {
namespace {

std::string errno_text(int number) { return std::strerror(number); }

/// Tries `use` on every address of the host until one succeeds; else the last reason.
std::string with_addresses(const std::string& host, int port, int flags,
                           const std::function<std::string(int, const addrinfo&)>& use) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* raw = nullptr;
  const int rc = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &raw);
  if (rc != 0) return std::string("the name cannot be resolved: ") + ::gai_strerror(rc);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(raw, ::freeaddrinfo);
  std::string reason = "the name has no address";
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    const Descriptor socket(
        ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol));
    reason = !socket ? errno_text(errno) : use(socket.get(), *a);
    if (reason.empty()) return reason;
  }
  return reason;
}

std::string connect_within(int fd, const addrinfo& address, int timeout_ms) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return errno_text(errno);
  pollfd waiting{fd, POLLOUT, 0};
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  int ready = ::poll(&waiting, 1, timeout_ms);
  while (ready < 0 && errno == EINTR) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    ready = ::poll(&waiting, 1, std::max(0, static_cast<int>(left.count())));
  }
  if (ready < 0) return errno_text(errno);
  if (ready == 0) return "no answer within " + std::to_string(timeout_ms / 1000) + " s";
  int failure = 0;
  socklen_t length = sizeof(failure);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0) return errno_text(errno);
  return failure == 0 ? std::string() : errno_text(failure);
}

}  // namespace

std::string try_connect(const std::string& host, int port, int timeout_ms) {
  return with_addresses(host, port, 0, [timeout_ms](int fd, const addrinfo& address) {
    return connect_within(fd, address, timeout_ms);
  });
}

std::string try_bind(const std::string& host, int port) {
  return with_addresses(host, port, AI_PASSIVE, [](int fd, const addrinfo& address) {
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (::bind(fd, address.ai_addr, address.ai_addrlen) != 0) return errno_text(errno);
    // A second socket may bind with SO_REUSEADDR; only one may listen.
    if (::listen(fd, 1) != 0) return errno_text(errno);
    return std::string();
  });
}

std::optional<int> free_loopback_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return std::nullopt;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0;
  return bound ? std::optional<int>(ntohs(address.sin_port)) : std::nullopt;
}

}  // namespace sweetspot::os
