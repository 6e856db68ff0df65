#include "launch/arguments.hpp"

#include <algorithm>
#include <span>

#include "core/server_flags.hpp"

namespace sweetspot::launch {
namespace {

std::vector<ServerArgument> said_by(const Program& program) {
  if (program.argv.empty()) return {};
  return read_server_arguments(std::span(program.argv).subspan(1));
}

}  // namespace

bool says(const Program& program, std::string_view flags) {
  const auto said = said_by(program);
  return std::any_of(said.begin(), said.end(),
                     [&](const ServerArgument& each) { return is_one_of(flags, each.name); });
}

bool says_knob(const Program& program, const Knob& knob) {
  const auto said = said_by(program);
  return std::any_of(said.begin(), said.end(),
                     [&](const ServerArgument& each) { return each.sets() == &knob; });
}

std::optional<std::string> value_of(const Program& program, std::string_view flags) {
  std::optional<std::string> value;
  for (const ServerArgument& each : said_by(program)) {
    if (is_one_of(flags, each.name) && !each.values.empty()) value = each.values.back();
  }
  return value;
}

std::optional<std::string> variable_of(const Program& program, std::string_view name) {
  for (const std::string& each : program.environment) {
    const std::size_t equals = each.find('=');
    if (equals != std::string::npos && std::string_view(each).substr(0, equals) == name) {
      return each.substr(equals + 1);
    }
  }
  return std::nullopt;
}

}  // namespace sweetspot::launch
