#include "app/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "engine/locate.hpp"

namespace sweetspot::app {
namespace {

bool is_program(const std::filesystem::path& path) {
  std::error_code problem;
  return std::filesystem::is_regular_file(path, problem) && access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> environment_of(const std::vector<launch::Variable>& variables) {
  std::vector<std::string> environment;
  for (const launch::Variable& variable : variables) {
    if (variable.file.empty()) environment.push_back(variable.name + "=" + variable.value);
  }
  return environment;
}

}  // namespace

Result<launch::Program> find_program(const std::vector<std::string>& command,
                                     const std::vector<launch::Variable>& variables) {
  launch::Program program;
  program.argv = command.empty() ? std::vector<std::string>{"llama-server"} : command;
  std::string& name = program.argv.front();
  program.kind = launch::kind_of(name);
  if (program.kind != launch::ProgramKind::other) program.environment = environment_of(variables);
  if (name.find('/') == std::string::npos) {
    Result<std::string> found = engine::locate_program(name);
    if (!found) return tl::unexpected(found.error());
    name = *std::move(found);
  } else if (!is_program(name)) {
    return error(ErrorKind::usage,
                 fmt::format("{} is not a program that can be started", shortened(name)),
                 "check the path after `--`");
  }
  return program;
}

}  // namespace sweetspot::app
