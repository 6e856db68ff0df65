// Files that can be started.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweetspot::os {

/// A file that this user may execute.
bool is_program(const std::string& path);

/// The first program of that name in the folders of `path`, a list as the variable PATH has. A
/// relative folder is passed over: the current one would decide what is run.
std::optional<std::string> find_in_path(std::string_view path, std::string_view name);

}  // namespace sweetspot::os
