#include "cli/connection.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <optional>

#include "cli/print.hpp"
#include "core/text.hpp"
#include "ground/bytes.hpp"
#include "kernel/memory.hpp"

namespace sweetspot::cli {
std::uint64_t default_host_reserve_bytes(std::uint64_t total_bytes) {
  constexpr std::uint64_t kLeast = 256 * kMiB;
  constexpr std::uint64_t kMost = 2 * kGiB;
  return std::clamp(total_bytes / 20, kLeast, kMost);
}

void add_connection(CLI::App& app, ConnectionOptions& options) {
  app.add_option("--rpc", options.rpc, "ggml RPC servers to offload to")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("HOST:PORT,...");
  app.add_option("--load-timeout", options.load_timeout_seconds,
                 "Seconds a load may take (default: from the file's size)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS");
  app.add_option("--step-timeout", options.step_timeout_seconds,
                 "Seconds one decode may take (default: 120)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS");
  app.add_option(
         "--host-reserve", options.host_reserve,
         "Host memory that must stay available (default: 5 % of it); a worker that takes more "
         "is ended")
      ->type_name("SIZE");
}

Result<engine::StartOptions> start_options(const Environment& environment,
                                           const ConnectionOptions& options) {
  Result<engine::WorkerProgram> program = engine::locate_worker(environment.worker_override);
  if (!program) return tl::unexpected(program.error());
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
  engine::StartOptions start;
  start.program = std::move(*program);
  start.rpc = options.rpc;
  start.cancel = environment.cancel;
  start.host_reserve_bytes =
      default_host_reserve_bytes(kernel::host_memory().total_bytes.value_or(0));
  start.available_host_bytes = [] {
    const Reading<std::uint64_t> available = kernel::host_memory().available_bytes;
    return available ? std::optional(*available) : std::nullopt;
  };
  if (!options.host_reserve.empty()) {
    const Result<std::uint64_t> reserve = parse_size(options.host_reserve, "--host-reserve");
    if (!reserve) return tl::unexpected(reserve.error());
    start.host_reserve_bytes = *reserve;
  }
  if (options.load_timeout_seconds > 0) {
    start.deadlines.load_base_seconds = options.load_timeout_seconds;
    // The user's figure is the whole deadline: the size adds nothing.
    start.deadlines.load_bytes_per_second = std::numeric_limits<double>::infinity();
  }
  if (options.step_timeout_seconds > 0) {
    start.deadlines.step_seconds = options.step_timeout_seconds;
  }
  return start;
}

Status check_path(std::string_view path) {
  if (is_utf8(path)) return {};
  return error(ErrorKind::usage, fmt::format("the path {} is not UTF-8", printable(path)),
               "rename the file or use a link with another name");
}

Result<Endpoint> parse_endpoint(std::string_view text, std::string_view flag) {
  if (auto endpoint = sweetspot::parse_endpoint(text)) return *std::move(endpoint);
  return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, printable(text)),
               "give HOST:PORT, for example 127.0.0.1:50052");
}

Result<std::uint64_t> parse_size(std::string_view text, std::string_view flag) {
  Result<std::uint64_t> bytes = parse_bytes(text);
  if (bytes) return bytes;
  return error(ErrorKind::usage, fmt::format("{}: {}", flag, bytes.error().message),
               bytes.error().remedy);
}

}  // namespace sweetspot::cli
