// Whether something listens at an address, whether an address is free, and a port that is: asked
// with sockets of our own, because ggml aborts the process where nothing listens, and neither its
// server nor an old llama-server says anything when a port is taken.
#pragma once

#include <optional>
#include <string>

namespace sweetspot::os {

/// Connects and closes again. Empty where something listens; otherwise why not, as a clause.
std::string try_connect(const std::string& host, int port, int timeout_ms);

/// Binds and closes again. Empty where the address is free; otherwise why not, as a clause.
std::string try_bind(const std::string& host, int port);

/// A port of 127.0.0.1 that was free a moment ago.
std::optional<int> free_loopback_port();

}  // namespace sweetspot::os
