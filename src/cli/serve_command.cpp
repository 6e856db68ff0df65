// sweetspot serve: this machine's devices for another one, through ggml's RPC server.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/engines.hpp"
#include "cli/connection.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "engine/failure.hpp"

namespace sweetspot::cli {
namespace {

struct ServeOptions {
  std::string listen = "127.0.0.1:50052";
  int threads = 0;
  std::vector<std::string> devices;
  bool allow_remote = false;
};

constexpr const char* kServeExamples = R"(
Examples:
  sweetspot serve
  sweetspot profile model.gguf --rpc 127.0.0.1:50052    in another terminal
)";

Result<int> serve(const ServeOptions& options, const Environment& environment) {
  const Result<Endpoint> endpoint = parse_endpoint(options.listen, "--listen");
  if (!endpoint) return tl::unexpected(endpoint.error());
  if (!is_loopback(endpoint->host) && !options.allow_remote) {
    return error(ErrorKind::usage,
                 fmt::format("--listen {} would offer the devices to the network", options.listen),
                 "ggml's RPC has no authentication and is not safe on an open network; add "
                 "--allow-remote where every machine on it is trusted");
  }
  Result<engine::Worker> worker = app::start_worker(app::with_linked_worker(environment.workplace));
  if (!worker) return tl::unexpected(worker.error());
  const auto ready =
      worker->serve({endpoint->host, endpoint->port, options.threads, options.devices});
  if (!ready) return tl::unexpected(engine::as_error(ready.error()));
  say(environment.out, "serving on {}; Ctrl-C ends it\n", printable(ready->endpoint));
  const Failure ended = worker->wait_while_serving();
  if (ended.failure_class == FailureClass::cancelled) return 0;
  return tl::unexpected(engine::as_error(ended));
}

}  // namespace

void add_serve(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ServeOptions>();
  app.footer(kServeExamples);
  app.add_option("--listen", options->listen, "Address to listen on")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("-t,--threads", options->threads, "CPU threads, 0 = physical cores")
      ->check(CLI::Range(0, 512))
      ->type_name("N");
  app.add_option("--device", options->devices, "Devices to offer (default: CPU; also -dev)")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("ID,...");
  app.add_flag("--allow-remote", options->allow_remote, "Allow an address that is not loopback");
  app.callback([options, &environment, &outcome] { outcome = serve(*options, environment); });
}

}  // namespace sweetspot::cli
