// How every command reaches a worker: the options that are the same everywhere, and what they
// become.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.hpp"
#include "core/endpoint.hpp"
#include "engine/worker.hpp"

namespace sweetspot::cli {

/// What a user may say about workers. Add it to a command with add_connection().
struct ConnectionOptions {
  std::vector<std::string> rpc;     ///< "host:port", separated by commas
  double load_timeout_seconds = 0;  ///< 0 = from the file's size
  double step_timeout_seconds = 0;  ///< 0 = engine's default
  std::string host_reserve;         ///< size; empty = a share of this machine's memory
};

void add_connection(CLI::App& app, ConnectionOptions& options);

/// Left to the rest of a system with so much memory while a model loads: 5 %, at least 256 MiB, at
/// most 2 GiB. Speeds of a machine that swaps are worthless.
std::uint64_t default_host_reserve_bytes(std::uint64_t total_bytes);

/// Finds the worker program and fills in deadlines, the cancel token and the memory that must stay
/// free on the host. Errors: no worker (internal), an --rpc that is not host:port (usage).
Result<engine::StartOptions> start_options(const Environment& environment,
                                           const ConnectionOptions& options = {});

/// A path that a worker can be told: errors (usage) where it is not UTF-8, since the protocol is
/// JSON.
Status check_path(std::string_view path);

/// As core's, with an error (usage) that names `flag`.
Result<Endpoint> parse_endpoint(std::string_view text, std::string_view flag);

/// As core's parse_bytes(), with an error (usage) that names `flag`.
Result<std::uint64_t> parse_size(std::string_view text, std::string_view flag);

}  // namespace sweetspot::cli
