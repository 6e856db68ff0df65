// What llama-server keeps in host memory beside what llama.cpp allocates: checkpoints of a sequence
// whose cache cannot be cut back, and prompts of earlier requests. Both grow with use, up to what
// its settings allow.
#pragma once

#include <cstdint>

#include "core/config.hpp"

namespace sweetspot {

/// Of all sequences together, when none has room for another one.
std::uint64_t checkpoints_bytes(const Config& config, std::uint64_t checkpoint_bytes);

/// What the prompt cache may take; with no limit (-1) the most that can be told.
std::uint64_t prompt_cache_bytes(const ServerSettings& server);

/// The settings of `config`, made as small as `room_bytes` of host memory asks for: checkpoints
/// first, since they serve the conversations that run; what they leave, in steps of 128 MiB, goes
/// to the prompt cache. A cache without a limit was asked for, and stays.
ServerSettings settings_within(const Config& config, std::uint64_t checkpoint_bytes,
                               std::uint64_t room_bytes);

}  // namespace sweetspot
