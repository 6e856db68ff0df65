// Requests to an HTTP server on this machine: a new connection each, bounded in time and size, and
// given up at once when the caller says so. Functions may be called from several threads at once.
// Why the library below it is cpp-httplib: docs/decisions/cpp-httplib.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/endpoint.hpp"
#include "ground/bytes.hpp"
#include "http/server_events.hpp"

namespace sweetspot::http {

struct Request {
  std::string method = "GET";
  std::string path = "/";
  std::string body = {};     ///< JSON; empty = none
  std::string api_key = {};  ///< sent as a bearer token; empty = none
};

struct Answer {
  int status = 0;
  std::string body;  ///< of a stream that was read as events: empty
  std::string
      server;  ///< what the server calls itself (the header Server); empty = it does not say
};

enum class Problem {
  refused,  ///< nobody listens there, or the name is unknown
  timed_out,
  interrupted,  ///< `go_on` or `on_event` said no
  broken,       ///< the connection ended early, what came is not HTTP, or is more than the limit
};

struct Patience {
  std::chrono::milliseconds timeout{2000};            ///< for all of the answer
  std::function<bool()> go_on = [] { return true; };  ///< asked every few milliseconds
  std::size_t most_bytes = std::size_t{16} * kMiB;    ///< of the body; of one event of a stream
};

using Reply = tl::expected<Answer, Problem>;

/// What one event of a stream says; false = no more is wanted, and the connection is closed.
using OnEvent = std::function<bool(const ServerEvent&)>;

/// Never throws. `go_on` is called on the caller's thread.
Reply send(const Endpoint& server, const Request& request, const Patience& patience);

/// Sends a request that is answered with server-sent events. `on_event` is called on the caller's
/// thread, for each event as it comes. An answer whose status is not 200 is read as `send` does.
Reply stream(const Endpoint& server, const Request& request, const Patience& patience,
             const OnEvent& on_event);

}  // namespace sweetspot::http
