// How every command reaches a worker: the options that are the same everywhere, and what they
// become.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/connection.hpp"
#include "cli/command.hpp"
#include "core/endpoint.hpp"

namespace sweetspot::cli {

/// What a user may say about workers. Add it to a command with add_connection().
struct ConnectionOptions {
  std::vector<std::string> rpc;     ///< "host:port", separated by commas
  double load_timeout_seconds = 0;  ///< 0 = from the file's size
  double step_timeout_seconds = 0;  ///< 0 = engine's default
  std::string host_reserve;         ///< size; empty = a share of this machine's memory
};

void add_connection(CLI::App& app, ConnectionOptions& options);

/// What they become; says on stderr which RPC servers are on other machines. Errors (usage): an
/// --rpc that is not host:port, a --host-reserve that is no size.
Result<app::Connection> connection_of(const ConnectionOptions& options,
                                      const Environment& environment);

/// The model file that is meant by a path, or by a name that `profiles list` shows. Errors: those
/// of check_path() and app::model_file().
Result<std::string> known_model_file(const std::string& typed, const Environment& environment);

/// A model of which something is kept, and how workers are reached.
struct KnownModel {
  std::string path;  ///< of the model file
  app::Connection connection;
};

/// Errors: those of known_model_file() and connection_of().
Result<KnownModel> known_model(const std::string& typed, const ConnectionOptions& options,
                               const Environment& environment);

/// A path that a worker can be told: errors (usage) where it is not UTF-8, since the protocol is
/// JSON.
Status check_path(std::string_view path);

/// As core's, with an error (usage) that names `flag`.
Result<Endpoint> parse_endpoint(std::string_view text, std::string_view flag);

/// As core's parse_bytes(), with an error (usage) that names `flag`.
Result<std::uint64_t> parse_size(std::string_view text, std::string_view flag);

}  // namespace sweetspot::cli
