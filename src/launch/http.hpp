// One HTTP request to a server on this machine: plain HTTP/1.0, a new connection each, bounded in
// time and size, and given up at once when the caller says so. Why it is not a library:
// docs/decisions/own-http-client.md.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/endpoint.hpp"

namespace sweetspot::launch {

struct HttpRequest {
  std::string method = "GET";
  std::string path = "/";
  std::string body;     ///< JSON; empty = none
  std::string api_key;  ///< sent as a bearer token; empty = none
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

enum class HttpProblem {
  refused,  ///< nobody listens there, or the name is unknown
  timed_out,
  interrupted,  ///< `go_on` said no
  broken,       ///< the connection ended early, or what came is not HTTP
};

struct HttpPatience {
  std::chrono::milliseconds timeout{2000};
  std::function<bool()> go_on = [] { return true; };  ///< asked every few milliseconds
};

using HttpResult = tl::expected<HttpAnswer, HttpProblem>;

/// Answers larger than 16 MiB are `broken`. Never throws; ignores SIGPIPE for its writes.
HttpResult http_request(const Endpoint& server, const HttpRequest& request,
                        const HttpPatience& patience);

/// Whether somebody takes connections there.
bool takes_connections(const Endpoint& server);

/// The answer in `bytes`, all that came before the connection ended. Nothing where it is not HTTP
/// or shorter than it says. Pure.
tl::expected<HttpAnswer, HttpProblem> parse_answer(std::string_view bytes);

}  // namespace sweetspot::launch
