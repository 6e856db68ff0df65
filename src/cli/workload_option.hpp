// A workload as it is typed: by the name of a preset, or in figures.
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

}  // namespace sweetspot::cli
