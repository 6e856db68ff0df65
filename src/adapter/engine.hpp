// The engine: a llama-server that is not ours, and what it says of itself.
#pragma once

#include <string>
#include <vector>

#include "adapter/words.hpp"
#include "core/device.hpp"
#include "core/run.hpp"
#include "dialect/abilities.hpp"
#include "servers/read.hpp"

namespace sweetspot::adapter {

/// Asks the llama-server that `text` means, in the words of --engine, what it is, the last question
/// with the servers of `rpc`. A fault of phase hello where it is none. What it says is kept in the
/// user's cache, as the supervisor keeps it, and not asked a second time.
Answer<servers::ServerCard> look_at_engine(const std::string& text,
                                           const std::vector<std::string>& rpc);

/// The engine in the words of a run. Pure.
Engine engine_of(const dialect::Abilities& abilities);

/// This machine's processor and memory, which no llama-server lists.
Device host_device();

}  // namespace sweetspot::adapter
