// Addresses of RPC servers, tried with plain sockets before ggml touches them: ggml aborts the
// process where nothing listens, and its server says nothing when a port is taken.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweetspot::worker {

struct Endpoint {
  std::string host;
  int port = 0;
};

/// "host:port" or "[v6]:port". Nothing where it is neither.
std::optional<Endpoint> parse_endpoint(std::string_view text);

/// Connects and closes again. Empty where something listens; otherwise why not, as a clause.
std::string try_connect(const Endpoint& endpoint, int timeout_ms);

/// Binds and closes again. Empty where the address is free; otherwise why not, as a clause.
std::string try_bind(const Endpoint& endpoint);

}  // namespace sweetspot::worker
