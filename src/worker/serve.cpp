#include "worker/serve.hpp"

#include <fmt/format.h>
#include <ggml-rpc.h>

#include <string>
#include <vector>

#include "core/endpoint.hpp"
#include "kernel/processors.hpp"
#include "os/socket.hpp"
#include "worker/devices.hpp"
#include "worker/library_log.hpp"

namespace sweetspot::worker {
namespace {

protocol::Fault serve_fault(std::string message) {
  return {FaultCode::bad_request, Phase::serve, std::move(message), {}};
}

Answer<std::vector<ggml_backend_dev_t>> served_devices(const std::vector<std::string>& names) {
  if (!names.empty()) return find_devices(names, Phase::serve);
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr)
    return fault(FaultCode::device_unknown, Phase::serve, "there is no CPU device");
  return std::vector{cpu};
}

}  // namespace

protocol::Fault serve(const protocol::ServeRequest& request, bool backends_loaded, Reply& reply) {
  if (!backends_loaded) {
    if (auto loaded = load_backends(); !loaded) return loaded.error();
  }
  const bool v6 = request.host.find(':') != std::string::npos;
  const std::string address =
      fmt::format("{}{}{}:{}", v6 ? "[" : "", request.host, v6 ? "]" : "", request.port);
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return serve_fault(fmt::format("{} is not an address to listen on", address));
  auto devices = served_devices(request.devices);
  if (!devices) return devices.error();
  const auto start = backend_function<decltype(&ggml_backend_rpc_start_server)>(
      "RPC", "ggml_backend_rpc_start_server");
  if (start == nullptr) {
    return serve_fault("this llama.cpp has no RPC backend, so there is nothing to serve with");
  }
  if (const std::string problem = os::try_bind(endpoint->host, endpoint->port); !problem.empty()) {
    return serve_fault(fmt::format("cannot listen on {}: {}", address, problem));
  }
  const int threads = request.threads > 0 ? request.threads : kernel::usable_processors().threads();
  const auto mark = library_log::mark();
  reply.send(protocol::Ready{address});
  start(address.c_str(), nullptr, static_cast<std::size_t>(threads), devices->size(),
        devices->data());
  return serve_fault(fmt::format("ggml's server ended: {}", library_log::last_problem(mark)));
}

}  // namespace sweetspot::worker
