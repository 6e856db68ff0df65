// The knobs as options of a command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

/// Adds --host-program to a group of options.
void add_host_program(CLI::App& app, std::string& text, const char* group);
Result<HostProgram> parse_host_program(std::string_view text);

/// As typed, by knob, and last the host program; empty = default.
using KnobTexts = std::vector<std::string>;

/// Adds every knob but the layers, which each command asks for in its own way.
void add_knobs(CLI::App& app, KnobTexts& texts);

/// The default config with what was given. Errors are of kind usage and name the flag.
Result<Config> make_config(const KnobTexts& texts);

/// Whether the knob of that JSON name was given.
bool is_given(const KnobTexts& texts, std::string_view knob);

}  // namespace sweetspot::cli
