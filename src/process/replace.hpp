// Another program in our place, for what goes on after us: a child would end with us.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"

namespace sweetspot::process {

/// Becomes the program `argv[0]`, which is looked for in PATH. Comes back only where that fails,
/// with an error of kind internal that names the program.
Error replace_us_by(std::vector<std::string> argv);

}  // namespace sweetspot::process
