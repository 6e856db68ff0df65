// What the user says after the program, and in the environment that it reads. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/knobs.hpp"
#include "launch/command.hpp"

namespace sweetspot::launch {

/// The name of "--name=value", or of "--name".
std::string_view flag_name(std::string_view argument);

/// Whether `name` is one of "-c,--ctx-size".
bool is_one_of(std::string_view names, std::string_view name);

/// The knob that a flag of llama.cpp's programs sets, or nullptr.
const Knob* knob_of(std::string_view flag);

bool says(const Program& program, std::string_view flags);

/// The value that the user gives a flag: the last one.
std::optional<std::string> value_of(const Program& program, std::string_view flags);

/// The value of a variable that the program will find in its environment.
std::optional<std::string> variable_of(const Program& program, std::string_view name);

}  // namespace sweetspot::launch
