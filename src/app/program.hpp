// The program that a launch starts.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "launch/command.hpp"
#include "launch/uncounted.hpp"

namespace sweetspot::app {

/// The program to start, llama-server where the command is empty: found in PATH, or among the
/// programs of our own llama.cpp. `variables` are what llama.cpp's programs read beside their
/// flags. Errors (usage): it is not there.
Result<launch::Program> find_program(const std::vector<std::string>& command,
                                     const std::vector<launch::Variable>& variables);

}  // namespace sweetspot::app
