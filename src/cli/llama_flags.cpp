#include "cli/llama_flags.hpp"

#include <fmt/format.h>

#include "core/knobs.hpp"

namespace sweetspot::cli {
namespace {

std::vector<std::string_view> split(std::string_view flags) {
  std::vector<std::string_view> names;
  while (!flags.empty()) {
    const std::size_t comma = flags.find(',');
    names.push_back(flags.substr(0, comma));
    if (comma == std::string_view::npos) break;
    flags.remove_prefix(comma + 1);
  }
  return names;
}

bool is_long(std::string_view name) { return name.starts_with("--"); }

bool is_many_lettered_short(std::string_view name) {
  return name.size() > 2 && name[0] == '-' && name[1] != '-';
}

// A short name stands for the next long one.
std::string spelled_out(std::string_view argument) {
  for (const Knob& knob : knobs()) {
    bool meant = false;
    for (const std::string_view name : split(knob.flags)) {
      if (meant && is_long(name)) return std::string(name);
      meant = meant || (is_many_lettered_short(name) && name == argument);
    }
  }
  return std::string(argument);
}

}  // namespace

std::vector<std::string> spell_out_flags(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") options = false;
    arguments.push_back(options ? spelled_out(argument) : std::string(argument));
  }
  return arguments;
}

std::string parser_names(const Knob& knob) {
  std::string names;
  for (const std::string_view name : split(knob.flags)) {
    if (is_many_lettered_short(name)) continue;
    if (!names.empty()) names += ',';
    names += name;
    if (is_switch(knob)) names += name.starts_with("--no-") ? "{off}" : "{on}";
  }
  return names;
}

std::string also_known_as(const Knob& knob) {
  std::vector<std::string_view> others;
  for (const std::string_view name : split(knob.flags)) {
    if (is_many_lettered_short(name)) others.push_back(name);
  }
  return others.empty() ? std::string() : fmt::format(" (also {})", fmt::join(others, ", "));
}

}  // namespace sweetspot::cli
