// What is started: the user's command with a profile's flags in it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "dialect/abilities.hpp"

namespace sweetspot::launch {

/// How a program is given its configuration, and how it shows that it works.
enum class ProgramKind {
  llama_server,      ///< flags; healthy once /health says so and a request was answered
  llama_cli,         ///< flags; healthy once it has answered something on stdout
  llama_completion,  ///< the same
  other,             ///< {placeholders}; healthy once its port takes connections, or at once
};

/// By the file's name, whatever folder it lies in.
ProgramKind kind_of(std::string_view program);

/// How a program of that kind makes its context. Of `other` nothing is known, so it is taken to
/// keep libllama's defaults, which need more.
HostProgram host_program_of(ProgramKind kind);

/// What the user wants started.
struct Program {
  std::vector<std::string> argv;  ///< argv[0] is the program's path; the rest is the user's
  ProgramKind kind = ProgramKind::llama_server;
  /// Of an engine: what stands between argv[0] and its flags, "serve" or a container's words.
  std::vector<std::string> starter = {};
  /// Of an engine: what it can be told; nothing = all that the llama.cpp of our tables can.
  std::optional<dialect::Abilities> abilities = {};
  std::vector<std::string> environment = {};  ///< NAME=value of LLAMA_ARG_*, which it reads
};

/// Where a server listens and how it is asked there.
struct ServerAddress {
  Endpoint listen;      ///< as the server is told
  Endpoint ask;         ///< as we reach it: 0.0.0.0 is reached as 127.0.0.1
  std::string prefix;   ///< of every path; empty = none
  std::string api_key;  ///< empty = none
  bool tls = false;     ///< then only its port can be watched
};

/// The address after what the user says behind the program: --host, --port, --api-prefix, --api-key
/// and --ssl-key-file win. Errors (usage): a Unix socket, several addresses, a port that is none.
Result<ServerAddress> address_of(const Program& program, const Endpoint& wanted,
                                 const std::string& api_key);

/// Whether there is a port to watch: of llama-server always, of others where {port} is used.
bool has_port(const Program& program);

/// How much of what llama-cli or llama-completion prints is the user's own --prompt.
std::size_t prompt_bytes(const Program& program);

/// What a program of an engine cannot be told of a profile, each a clause; it does by itself what
/// it does.
std::vector<std::string> untold(const Program& program, const SavedProfile& profile);

/// The command line for a profile. What the user says wins and is not said twice. A profile for the
/// CPU alone is kept off every device (its config says "--device none"; no RPC server), so that a
/// device's trouble cannot reach it. `rpc` are the servers the other profiles offload to. Errors
/// (usage): an unknown {placeholder}; a program of kind `other` without any.
Result<std::vector<std::string>> command_for(const Program& program, const SavedProfile& profile,
                                             const std::string& model_path,
                                             const std::vector<std::string>& rpc,
                                             const Endpoint& listen);

}  // namespace sweetspot::launch
