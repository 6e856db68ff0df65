// Why a command does not take a flag that llama-server takes, and what to do instead.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/server_flags.hpp"

namespace sweetspot::cli {

/// "see sweetspot plan --help"; of no command, the program's.
std::string see_help(std::string_view command);

/// `command` is its name: plan, profile, tune, choose, launch, one that takes no configuration, or
/// nothing. `typed` is the flag as the user wrote it.
Error refused_knob(std::string_view command, std::string_view typed);
Error refused_flag(std::string_view command, std::string_view typed, FlagKind kind);

}  // namespace sweetspot::cli
