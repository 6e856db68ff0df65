// The engine: a llama-server that is not ours, and what it says of itself.
#pragma once

#include <string>
#include <vector>

#include "adapter/words.hpp"
#include "core/device.hpp"
#include "core/run.hpp"
#include "dialect/abilities.hpp"

namespace sweetspot::adapter {

/// Starts the program at `path` for --version, --help and --list-devices, the last with the servers
/// of `rpc`. A fault of phase hello where it is no llama-server.
Answer<dialect::Abilities> look_at_engine(const std::string& path,
                                          const std::vector<std::string>& rpc);

/// The engine in the words of a run. Pure.
Engine engine_of(const dialect::Abilities& abilities);

/// This machine's processor and memory, which no llama-server lists.
Device host_device();

/// What llama.cpp must not read: LLAMA_* variables and the user's configuration file apply beneath
/// the flags. Call before there are threads.
void clear_environment();

}  // namespace sweetspot::adapter
