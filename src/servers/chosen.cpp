#include "servers/chosen.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "ground/pieces.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::servers {
namespace {

std::string path_in(const std::string& data_folder) { return data_folder + "/engine"; }

}  // namespace

std::string chosen_engine(const std::string& data_folder) {
  if (data_folder.empty()) return {};
  std::ifstream file(path_in(data_folder));
  std::string line;
  std::getline(file, line);
  return std::string(trimmed(line));
}

Status choose_engine(const std::string& data_folder, const std::string& text) {
  if (data_folder.empty()) {
    return error(ErrorKind::output, "there is no folder for the user's data",
                 "set HOME or XDG_DATA_HOME");
  }
  std::error_code problem;
  if (!text.empty()) {
    std::filesystem::create_directories(data_folder, problem);
    return store::write_atomically(path_in(data_folder), text + "\n");
  }
  std::filesystem::remove(path_in(data_folder), problem);
  if (!problem) return {};
  return error(ErrorKind::output,
               fmt::format("{} cannot be removed: {}", path_in(data_folder), problem.message()));
}

}  // namespace sweetspot::servers
