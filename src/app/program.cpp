#include "app/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "app/engines.hpp"
#include "app/set_engine.hpp"
#include "core/text.hpp"
#include "engine/locate.hpp"
#include "os/new_file.hpp"
#include "os/program.hpp"

namespace sweetspot::app {
namespace {

constexpr const char* kServer = "llama-server";

std::string container_name() { return fmt::format("sweetspot-{}", getpid()); }

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
  program.argv = command.empty() ? std::vector<std::string>{kServer} : command;
  std::string& name = program.argv.front();
  program.kind = launch::kind_of(name);
  if (program.kind != launch::ProgramKind::other) program.environment = environment_of(variables);
  if (name.find('/') == std::string::npos) {
    Result<std::string> found = engine::locate_program(name);
    if (!found) return tl::unexpected(found.error());
    name = *std::move(found);
  } else if (!os::is_program(name)) {
    return error(ErrorKind::usage,
                 fmt::format("{} is not a program that can be started", shortened(name)),
                 "check the path after `--`");
  }
  return program;
}

Result<LaunchProgram> find_launch_program(const std::vector<std::string>& command,
                                          const std::vector<launch::Variable>& variables,
                                          const SetSource& source, const Workplace& workplace,
                                          std::vector<std::string>& notes) {
  LaunchProgram found{{}, workplace};
  std::optional<servers::ServerCard> engine;
  if (command.empty() || command.front() == kServer) {
    found.workplace = with_engine_of_set(source, workplace, notes);
    auto wanted = engine_of(found.workplace);
    if (!wanted) return tl::unexpected(wanted.error());
    engine = *std::move(wanted);
  }
  if (!engine) {
    Result<launch::Program> program = find_program(command, variables);
    if (!program) return tl::unexpected(program.error());
    found.program = *std::move(program);
    return found;
  }
  Result<std::vector<std::string>> words =
      servers::filled(engine->command, {os::folder_of(source.key.path), {}, container_name()});
  if (!words) return tl::unexpected(words.error());
  launch::Program& program = found.program;
  program.argv = {words->front()};
  program.starter.assign(words->begin() + 1, words->end());
  if (!command.empty()) program.argv.insert(program.argv.end(), command.begin() + 1, command.end());
  program.kind = launch::ProgramKind::llama_server;
  program.environment = environment_of(variables);
  program.abilities = std::move(engine->abilities);
  return found;
}

}  // namespace sweetspot::app
