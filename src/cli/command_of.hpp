// The command that starts llama-server with what was measured, planned or chosen.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/workplace.hpp"
#include "core/config.hpp"
#include "core/run.hpp"
#include "servers/read.hpp"

namespace sweetspot::cli {

/// In words for report's screens: safe for a terminal, each an option with its value. `engine`: the
/// llama.cpp that is started, nullptr = the llama-server of the linked worker.
std::vector<std::string> command_of(const servers::ServerCard* engine, const Config& config,
                                    std::string_view model_path,
                                    const std::vector<std::string>& rpc);

/// With the engine that the command works with.
std::vector<std::string> command_of(const app::Workplace& workplace, const Config& config,
                                    std::string_view model_path,
                                    const std::vector<std::string>& rpc);

/// With the settings of that result of the run, and with no more of the host's memory for
/// llama-server's own caches than was there. No words where there is no such result.
std::vector<std::string> command_of(const app::Workplace& workplace, const Run& run,
                                    std::optional<std::size_t> result);

}  // namespace sweetspot::cli
