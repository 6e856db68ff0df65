// A config as the arguments that make one llama-server use it, and nothing that its defaults or its
// configuration files could add.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/config.hpp"
#include "dialect/abilities.hpp"

namespace sweetspot::adapter {

/// The config as it is said: threads in numbers, and nothing kept of earlier prompts, which would
/// not be computed again. `threads` is what 0 means.
Config in_words(Config config, int threads);

/// Without the program, its address and its key; or why the engine cannot be told, as a clause.
/// `rpc`: servers whose devices there are.
tl::expected<std::vector<std::string>, std::string> server_arguments(
    const dialect::Abilities& abilities, const Config& config, const std::string& model_path,
    const std::vector<std::string>& rpc);

}  // namespace sweetspot::adapter
