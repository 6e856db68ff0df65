#include "cli/connection.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

#include "app/named_model.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::cli {

void add_connection(CLI::App& app, ConnectionOptions& options) {
  constexpr const char* kGroup = "Machine";
  app.add_option("--rpc", options.rpc, "ggml RPC servers, whose devices are used too")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("HOST:PORT,...")
      ->group(kGroup);
  app.add_option("--load-timeout", options.load_timeout_seconds,
                 "Seconds a load may take (default: from the file's size)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS")
      ->group(kGroup);
  app.add_option("--step-timeout", options.step_timeout_seconds,
                 "Seconds one decode may take (default: 120)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS")
      ->group(kGroup);
  app.add_option("--host-reserve", options.host_reserve,
                 "RAM that must stay free (default: 5 % of it); what takes more is ended")
      ->type_name("SIZE")
      ->group(kGroup);
}

Result<app::Connection> connection_of(const ConnectionOptions& options,
                                      const Environment& environment) {
  app::Connection connection;
  for (const std::string& endpoint : options.rpc) {
    const Result<Endpoint> parsed = parse_endpoint(endpoint, "--rpc");
    if (!parsed) return tl::unexpected(parsed.error());
    if (!is_loopback(parsed->host)) {
      say(environment.err,
          "sweetspot: warning: {} is another machine; ggml's RPC has no authentication, use it "
          "on a network you trust.\n",
          printable(endpoint));
    }
  }
  connection.rpc = options.rpc;
  connection.load_timeout_seconds = options.load_timeout_seconds;
  connection.step_timeout_seconds = options.step_timeout_seconds;
  if (!options.host_reserve.empty()) {
    const Result<std::uint64_t> reserve = parse_size(options.host_reserve, "--host-reserve");
    if (!reserve) return tl::unexpected(reserve.error());
    connection.host_reserve_bytes = *reserve;
  }
  return connection;
}

Result<std::string> known_model_file(const std::string& typed, const Environment& environment) {
  if (const Status usable = check_path(typed); !usable) return tl::unexpected(usable.error());
  return app::model_file(typed, environment.workplace);
}

Result<KnownModel> known_model(const std::string& typed, const ConnectionOptions& options,
                               const Environment& environment) {
  Result<std::string> file = known_model_file(typed, environment);
  if (!file) return tl::unexpected(file.error());
  Result<app::Connection> connection = connection_of(options, environment);
  if (!connection) return tl::unexpected(connection.error());
  return KnownModel{*std::move(file), *std::move(connection)};
}

Status check_path(std::string_view path) {
  if (is_utf8(path)) return {};
  return error(ErrorKind::usage, fmt::format("the path {} is not UTF-8", shortened(path)),
               "rename the file or use a link with another name");
}

Result<Endpoint> parse_endpoint(std::string_view text, std::string_view flag) {
  if (auto endpoint = sweetspot::parse_endpoint(text)) return *std::move(endpoint);
  return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, shortened(text)),
               "give HOST:PORT, for example 127.0.0.1:50052");
}

Result<std::uint64_t> parse_size(std::string_view text, std::string_view flag) {
  Result<std::uint64_t> bytes = parse_bytes(text);
  if (bytes) return bytes;
  return error(ErrorKind::usage, fmt::format("{}: {}", flag, bytes.error().message),
               bytes.error().remedy);
}

}  // namespace sweetspot::cli
