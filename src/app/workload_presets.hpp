// Kinds of requests by their names: what `tune` searches for, and what sets are told apart by.
// Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/config.hpp"

namespace sweetspot::app {

struct WorkloadPreset {
  std::string_view name;
  Workload workload;
};

/// chat, rag, code, agent.
std::span<const WorkloadPreset> workload_presets();

/// "chat", or "512 prompt and 128 generated tokens".
std::string workload_in_short(const Workload& workload);

/// "chat (256 prompt and 256 generated tokens, 1024 before them)", or the figures alone.
std::string workload_in_words(const Workload& workload);

}  // namespace sweetspot::app
