#include "launch/arguments.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sweetspot::launch {
namespace {

// Names of llama.cpp's programs for a knob that the table of knobs does not have.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kOtherNames = {{
    {"--gpu-layers", "n_gpu_layers"},
    {"--mlock", "load_mode"},
    {"--mmap", "load_mode"},
    {"--no-mmap", "load_mode"},
}};

}  // namespace

std::string_view flag_name(std::string_view argument) {
  return argument.substr(0, argument.find('='));
}

bool is_one_of(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::size_t comma = names.find(',');
    if (names.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    names.remove_prefix(comma + 1);
  }
  return false;
}

// The knob that a flag of llama.cpp's programs sets, or nullptr.
const Knob* knob_of(std::string_view flag) {
  for (const Knob& knob : knobs()) {
    if (is_one_of(knob.flags, flag)) return &knob;
  }
  for (const auto& [name, knob] : kOtherNames) {
    if (name == flag) return find_knob(knob);
  }
  return nullptr;
}

bool says(const Program& program, std::string_view flags) {
  return std::any_of(
      program.argv.begin() + 1, program.argv.end(),
      [&](const std::string& argument) { return is_one_of(flags, flag_name(argument)); });
}

std::optional<std::string> value_of(const Program& program, std::string_view flags) {
  std::optional<std::string> value;
  for (std::size_t i = 1; i < program.argv.size(); ++i) {
    const std::string& argument = program.argv[i];
    if (!is_one_of(flags, flag_name(argument))) continue;
    const std::size_t equals = argument.find('=');
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < program.argv.size()) {
      value = program.argv[i + 1];
    }
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
