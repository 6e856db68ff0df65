#include "os/program.hpp"

#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "ground/pieces.hpp"

namespace sweetspot::os {

namespace fs = std::filesystem;

bool is_program(const std::string& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> find_in_path(std::string_view path, std::string_view name) {
  for (const std::string_view folder : split(path, ':')) {
    const fs::path candidate = fs::path(folder) / name;
    if (candidate.is_absolute() && is_program(candidate.string())) return candidate.string();
  }
  return std::nullopt;
}

}  // namespace sweetspot::os
