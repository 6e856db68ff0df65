// What the user says after the program, and in the environment that it reads. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/knobs.hpp"
#include "launch/command.hpp"

namespace sweetspot::launch {

bool says(const Program& program, std::string_view flags);

/// Whether the user sets the knob himself, by a flag of its own or a shorthand.
bool says_knob(const Program& program, const Knob& knob);

/// The value that the user gives a flag: the last one.
std::optional<std::string> value_of(const Program& program, std::string_view flags);

/// The value of a variable that the program will find in its environment.
std::optional<std::string> variable_of(const Program& program, std::string_view name);

}  // namespace sweetspot::launch
