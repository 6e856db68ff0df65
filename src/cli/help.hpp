// Help for a terminal: a short page of what most people use, and the whole of it.
#pragma once

#include <string>

#include "cli/described.hpp"

namespace sweetspot::cli {

/// At most 40 lines: what it does, how it is typed, three examples, the basic options or the
/// commands. Lines of at most `width` columns.
std::string short_help(const DescribedCommand& command, int width);

/// All options in their groups, all examples and notes.
std::string long_help(const DescribedCommand& command, int width);

}  // namespace sweetspot::cli
