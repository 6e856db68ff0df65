// What a program is told beside a profile that changes the memory it takes. Pure.
//
// A profile's figures are those of its own config. What stands after `--`, or in the environment,
// is passed on as it is; where it takes memory that nobody counted, the user is told so.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/server_flags.hpp"
#include "launch/command.hpp"

namespace sweetspot::launch {

/// A variable of the environment, or a line of llama.cpp's own config file, which counts where
/// neither a variable nor a flag says otherwise.
struct Variable {
  std::string name;
  std::string value;
  std::string file = {};  ///< that it stands in; empty = it is a variable
};

/// "NAME=VALUE" of each that llama-server reads and that makes it take other memory than `config`
/// does. `is_said` tells of a knob or flag (the other one is nullptr) whether the command
/// line says it: then the variable does not count.
std::vector<std::string> uncounted_variables(
    const std::vector<Variable>& environment, const Config& config,
    const std::function<bool(const Knob* knob, const ServerFlag* flag)>& is_said);

/// One sentence naming what llama.cpp's program is told by the user (after `--`, or by variables)
/// that the profile's figures do not hold; empty where there is nothing. Other programs are not
/// understood: empty.
std::string uncounted(const Program& program, const SavedProfile& profile,
                      const std::string& model_path, const std::vector<std::string>& rpc,
                      const std::vector<Variable>& environment);

}  // namespace sweetspot::launch
