#include "core/endpoint.hpp"

#include "ground/pieces.hpp"

namespace sweetspot {

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  const auto port = number_of<int>(text.substr(colon + 1));
  constexpr int kMaxPort = 65535;
  if (!port || *port < 1 || *port > kMaxPort) return std::nullopt;
  return Endpoint{std::string(host), *port};
}

bool is_loopback(std::string_view host) {
  const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

}  // namespace sweetspot
