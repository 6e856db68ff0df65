// Completion of the command line in bash, zsh and fish.
#pragma once

#include <string>

#include "cli/described.hpp"

namespace sweetspot::cli {

/// For bash-completion's folder of completions, under the program's name.
std::string bash_completion(const DescribedCommand& program);

/// For a folder of zsh's fpath, as "_sweetspot".
std::string zsh_completion(const DescribedCommand& program);

/// For fish's vendor_completions.d, as "sweetspot.fish".
std::string fish_completion(const DescribedCommand& program);

}  // namespace sweetspot::cli
