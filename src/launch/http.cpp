#include "launch/http.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "ground/bytes.hpp"
#include "ground/pieces.hpp"
#include "os/descriptor.hpp"

namespace sweetspot::launch {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostBytes = 16 * kMiB;
constexpr milliseconds kSocketLook{20};

struct Until {
  Clock::time_point deadline;
  const std::function<bool()>* go_on;
};

// Waits until the socket is ready for `events`.
std::optional<HttpProblem> wait_for(int fd, short events, const Until& until) {
  for (;;) {
    if (!(*until.go_on)()) return HttpProblem::interrupted;
    const auto left = std::chrono::duration_cast<milliseconds>(until.deadline - Clock::now());
    if (left.count() <= 0) return HttpProblem::timed_out;
    pollfd wait = {fd, events, 0};
    const int ready = poll(&wait, 1, static_cast<int>(std::min(left, kSocketLook).count()));
    if (ready > 0) return std::nullopt;
    if (ready < 0 && errno != EINTR) return HttpProblem::broken;
  }
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const Endpoint& server) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found) != 0) {
    found = nullptr;
  }
  return {found, &freeaddrinfo};
}

tl::expected<os::Descriptor, HttpProblem> connect_to(const Endpoint& server, const Until& until) {
  const Addresses addresses = resolve(server);
  HttpProblem problem = HttpProblem::refused;
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    os::Descriptor made(socket(each->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.get() < 0) continue;
    if (connect(made.get(), each->ai_addr, each->ai_addrlen) == 0) return made;
    if (errno != EINPROGRESS) continue;
    if (const auto failed = wait_for(made.get(), POLLOUT, until)) {
      problem = *failed;
      continue;
    }
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(made.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return made;
  }
  return tl::unexpected(problem);
}

std::string text_of(const Endpoint& server, const HttpRequest& request) {
  std::string text = fmt::format("{} {} HTTP/1.0\r\nHost: {}:{}\r\nConnection: close\r\n",
                                 request.method, request.path, server.host, server.port);
  if (!request.api_key.empty()) text += "Authorization: Bearer " + request.api_key + "\r\n";
  if (!request.body.empty()) {
    text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n",
                        request.body.size());
  }
  return text + "\r\n" + request.body;
}

std::optional<HttpProblem> send_all(int fd, std::string_view text, const Until& until) {
  while (!text.empty()) {
    if (const auto problem = wait_for(fd, POLLOUT, until)) return problem;
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return HttpProblem::broken;
    }
  }
  return std::nullopt;
}

bool same_text(std::string_view one, std::string_view other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) ==
           std::tolower(static_cast<unsigned char>(right));
  });
}

std::optional<std::uint64_t> number_from(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return number_of(text);
}

struct Head {
  int status = 0;
  std::size_t size = 0;  // with the empty line after it
  std::optional<std::uint64_t> length;
};

// Nothing where the head is not whole yet, or is none.
std::optional<Head> parse_head(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  constexpr std::size_t kStatusAt = std::string_view("HTTP/1.x ").size();
  if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.") || end < kStatusAt + 3) {
    return std::nullopt;
  }
  const auto status = number_from(bytes.substr(kStatusAt, 3));
  if (!status) return std::nullopt;
  Head head = {static_cast<int>(*status), end + 4, std::nullopt};
  std::string_view lines = bytes.substr(0, end);
  for (std::size_t at = lines.find("\r\n"); at != std::string_view::npos; at = lines.find("\r\n")) {
    lines.remove_prefix(at + 2);
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !same_text(line.substr(0, colon), "content-length")) {
      continue;
    }
    head.length = number_from(line.substr(colon + 1));
  }
  return head;
}

// Some servers keep the connection open, so the length in the head decides where the answer ends.
bool is_whole(std::string_view bytes) {
  const std::optional<Head> head = parse_head(bytes);
  return head && head->length && bytes.size() - head->size >= *head->length;
}

HttpResult read_answer(int fd, const Until& until) {
  std::string bytes;
  std::array<char, 16384> part{};
  while (!is_whole(bytes)) {
    if (const auto problem = wait_for(fd, POLLIN, until)) return tl::unexpected(*problem);
    const ssize_t count = recv(fd, part.data(), part.size(), 0);
    if (count == 0) break;
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0 || bytes.size() > kMostBytes) return tl::unexpected(HttpProblem::broken);
    bytes.append(part.data(), static_cast<std::size_t>(count));
  }
  return parse_answer(bytes);
}

}  // namespace

HttpResult parse_answer(std::string_view bytes) {
  const std::optional<Head> head = parse_head(bytes);
  if (!head) return tl::unexpected(HttpProblem::broken);
  std::string_view body = bytes.substr(head->size);
  if (head->length) {
    if (body.size() < *head->length) return tl::unexpected(HttpProblem::broken);
    body = body.substr(0, *head->length);
  }
  return HttpAnswer{head->status, std::string(body)};
}

HttpResult http_request(const Endpoint& server, const HttpRequest& request,
                        const HttpPatience& patience) {
  const Until until = {Clock::now() + patience.timeout, &patience.go_on};
  const auto connection = connect_to(server, until);
  if (!connection) return tl::unexpected(connection.error());
  if (const auto problem = send_all(connection->get(), text_of(server, request), until)) {
    return tl::unexpected(*problem);
  }
  return read_answer(connection->get(), until);
}

bool takes_connections(const Endpoint& server) {
  const std::function<bool()> always = [] { return true; };
  return connect_to(server, {Clock::now() + milliseconds(1000), &always}).has_value();
}

}  // namespace sweetspot::launch
