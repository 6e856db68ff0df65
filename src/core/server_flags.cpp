#include "core/server_flags.hpp"

#include <algorithm>

namespace sweetspot {

bool changes_memory(FlagKind kind) {
  switch (kind) {
    case FlagKind::shorthand:
    case FlagKind::model:
    case FlagKind::servers:
    case FlagKind::download:
    case FlagKind::fit:
    case FlagKind::adapter:
    case FlagKind::projector:
    case FlagKind::draft:
    case FlagKind::embeddings:
    case FlagKind::host_cache:
    case FlagKind::memory:
      return true;
    case FlagKind::speculation:
    case FlagKind::rope:
    case FlagKind::speed:
    case FlagKind::program:
      break;
  }
  return false;
}

std::string flag_spelling(std::string_view argument) {
  std::string spelling(argument.substr(0, argument.find('=')));
  if (spelling.starts_with("--")) std::replace(spelling.begin(), spelling.end(), '_', '-');
  return spelling;
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

const ServerFlag* find_server_flag(std::string_view name) {
  for (const ServerFlag& flag : server_flags()) {
    if (is_one_of(flag.names, name)) return &flag;
  }
  return nullptr;
}

const Knob* find_knob_of_flag(std::string_view name) {
  for (const Knob& knob : knobs()) {
    if (is_one_of(knob.flags, name)) return &knob;
  }
  return nullptr;
}

const Knob* ServerArgument::sets() const {
  if (knob != nullptr) return knob;
  return flag != nullptr && !flag->knob.empty() ? find_knob(flag->knob) : nullptr;
}

std::string ServerArgument::knob_text() const {
  if (flag != nullptr) return std::string(flag->text);
  if (knob != nullptr && is_switch(*knob)) {
    const std::string_view bare = std::string_view(name).substr(name.find_first_not_of('-'));
    return bare.starts_with('n') ? "off" : "on";  // -nkvo, --no-kv-offload, -no-kvu
  }
  return values.empty() ? std::string() : values.front();
}

std::vector<ServerArgument> read_server_arguments(std::span<const std::string> words) {
  std::vector<ServerArgument> arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-')) continue;
    const std::string spelling = flag_spelling(word);
    ServerArgument argument{spelling, find_knob_of_flag(spelling), find_server_flag(spelling)};
    std::size_t wanted = argument.flag != nullptr ? argument.flag->values : 0;
    if (argument.knob != nullptr && !is_switch(*argument.knob)) wanted = 1;
    const std::size_t equals = word.find('=');
    if (equals != std::string::npos) {
      argument.values.push_back(word.substr(equals + 1));
    } else if (argument.knob == nullptr && argument.flag == nullptr) {
      // Of another program or version: a word that follows may be its value.
      if (i + 1 < words.size() && !words[i + 1].starts_with('-')) {
        argument.values.push_back(words[++i]);
      }
    } else {
      for (; wanted > 0 && i + 1 < words.size(); --wanted) argument.values.push_back(words[++i]);
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace sweetspot
