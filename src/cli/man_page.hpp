// Man pages: one for the program, one for each command.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/described.hpp"

namespace sweetspot::cli {

/// The file of a page, "sweetspot-profile.1", and its text in man(7)'s macros.
using ManPage = std::pair<std::string, std::string>;

/// Of `program` and all commands below it.
std::vector<ManPage> man_pages(const DescribedCommand& program, const std::string& version);

}  // namespace sweetspot::cli
