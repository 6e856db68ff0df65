#include "answering/greeting.hpp"

#include <fmt/format.h>

#include "core/endpoint.hpp"
#include "os/socket.hpp"

namespace sweetspot::answering {

Answer<void> check_version(const protocol::HelloRequest& request) {
  if (request.version == protocol::kVersion) return {};
  return fault(FaultCode::version_mismatch, Phase::hello,
               fmt::format("the supervisor speaks protocol {}, this worker speaks {}",
                           request.version, protocol::kVersion));
}

Answer<void> reach_rpc_server(const std::string& server, Reply& reply) {
  constexpr int kConnectTimeoutMs = 5000;
  const auto endpoint = parse_endpoint(server);
  if (!endpoint) {
    return fault(FaultCode::bad_request, Phase::rpc_connect,
                 fmt::format("{} is not an address of the form host:port", server));
  }
  reply.send(protocol::Progress{Phase::rpc_connect, -1});
  const std::string problem = os::try_connect(endpoint->host, endpoint->port, kConnectTimeoutMs);
  if (problem.empty()) return {};
  return fault(FaultCode::rpc_refused, Phase::rpc_connect,
               fmt::format("the RPC server {} cannot be reached: {}", server, problem));
}

}  // namespace sweetspot::answering
