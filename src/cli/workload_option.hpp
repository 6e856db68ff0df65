// Kinds of requests by their names: what `tune` searches for, and what sets are told apart by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"

namespace sweetspot::cli {

/// chat, rag, code, agent.
std::vector<std::string> workload_names();

/// A name, or tokens of prompt, generated and already in the cache: "512,128" or "512,128,4096".
/// Errors are of kind usage.
Result<Workload> parse_workload(std::string_view text);

/// "chat (256 prompt, 256 generated, 1024 before)", or the figures alone.
std::string workload_in_words(const Workload& workload);

}  // namespace sweetspot::cli
