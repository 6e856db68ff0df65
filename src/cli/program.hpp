// The whole command line: what main() parses, and what pages and completions are written from.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "core/error.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

/// Adds everything to `app`. A command that is parsed runs at once and leaves what came of it in
/// `outcome`. Both arguments must outlive `app`.
void add_commands(CLI::App& app, Environment& environment, Result<int>& outcome);

/// The deepest command that was parsed so far.
const CLI::App& innermost(const CLI::App& app);

/// As it is typed behind the program's name: "profiles list"; empty of the program itself.
std::string path_of(const CLI::App& command);

}  // namespace sweetspot::cli
