// The program that a launch starts.
#pragma once

#include <string>
#include <vector>

#include "app/set_source.hpp"
#include "app/workplace.hpp"
#include "core/error.hpp"
#include "launch/command.hpp"
#include "launch/uncounted.hpp"

namespace sweetspot::app {

/// What is started, and with which llama.cpp.
struct LaunchProgram {
  launch::Program program;
  Workplace workplace;  ///< with the engine that is meant
};

/// As find_program(), but llama-server (no command, or its bare name) is the engine that `source`'s
/// profiles were measured with or the user names, where there is one. What is to be said of it is
/// added to `notes`. Errors: those of find_program() and engine_of().
Result<LaunchProgram> find_launch_program(const std::vector<std::string>& command,
                                          const std::vector<launch::Variable>& variables,
                                          const SetSource& source, const Workplace& workplace,
                                          std::vector<std::string>& notes);

/// The program to start, llama-server where the command is empty: found in PATH, or among the
/// programs of our own llama.cpp. `variables` are what llama.cpp's programs read beside their
/// flags. Errors (usage): it is not there.
Result<launch::Program> find_program(const std::vector<std::string>& command,
                                     const std::vector<launch::Variable>& variables);

}  // namespace sweetspot::app
