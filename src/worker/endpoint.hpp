// Addresses of RPC servers, tried with plain sockets before ggml touches them: ggml aborts the
// process where nothing listens, and its server says nothing when a port is taken.
#pragma once

#include <string>

#include "core/endpoint.hpp"

namespace sweetspot::worker {

/// Connects and closes again. Empty where something listens; otherwise why not, as a clause.
std::string try_connect(const Endpoint& endpoint, int timeout_ms);

/// Binds and closes again. Empty where the address is free; otherwise why not, as a clause.
std::string try_bind(const Endpoint& endpoint);

}  // namespace sweetspot::worker
