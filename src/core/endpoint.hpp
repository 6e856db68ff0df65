// The address of a server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweetspot {

struct Endpoint {
  std::string host;
  int port = 0;
};

/// "host:port" or "[v6]:port", port 1 to 65535. Nothing where it is neither; an IPv6 address needs
/// its brackets. The host is not looked up.
std::optional<Endpoint> parse_endpoint(std::string_view text);

/// True for localhost, 127.0.0.0/8 and ::1.
bool is_loopback(std::string_view host);

}  // namespace sweetspot
