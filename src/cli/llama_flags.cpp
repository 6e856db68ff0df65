#include "cli/llama_flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <optional>

#include "cli/nearest.hpp"
#include "cli/program.hpp"
#include "cli/refused_flags.hpp"
#include "core/server_flags.hpp"
#include "core/text.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

bool is_long(std::string_view name) { return name.starts_with("--"); }

bool is_many_lettered_short(std::string_view name) {
  return name.size() > 2 && name[0] == '-' && name[1] != '-';
}

// "-1" and "-0.5" are values, and "-c512" is CLI11's to take apart.
bool is_a_flag(std::string_view argument) {
  return argument.size() > 1 && argument[0] == '-' &&
         (argument[1] == '-' || std::isalpha(static_cast<unsigned char>(argument[1])) != 0);
}

bool has_attached_number(std::string_view argument) {
  return is_many_lettered_short(argument) &&
         std::isdigit(static_cast<unsigned char>(argument[2])) != 0;
}

// Options of a command are also found after its subcommands.
class Commands {
 public:
  explicit Commands(const CLI::App& app) : chain_{&app} {}

  void enter(const std::string& word) {
    const auto found = chain_.back()->get_subcommands(
        [&](const CLI::App* command) { return command->get_name() == word; });
    if (!found.empty()) chain_.push_back(found.front());
  }

  /// The next word must name a command.
  [[nodiscard]] bool wants_a_command() const {
    return chain_.back()->get_require_subcommand_min() > 0;
  }

  [[nodiscard]] std::vector<std::string> names_of_commands() const {
    std::vector<std::string> names;
    for (const CLI::App* command : chain_.back()->get_subcommands({})) {
      names.push_back(command->get_name());
    }
    return names;
  }

  /// All that may be typed here, without what no help shows.
  [[nodiscard]] std::vector<std::string> flags() const {
    std::vector<std::string> all;
    for (const CLI::App* app : chain_) {
      for (const CLI::Option* option : app->get_options({})) {
        if (option->get_group().empty()) continue;
        for (const std::string& name : option->get_snames()) all.push_back("-" + name);
        for (const std::string& name : option->get_lnames()) all.push_back("--" + name);
      }
    }
    return all;
  }

  /// Whether the flag is followed by a value of its own.
  [[nodiscard]] bool takes_value(const std::string& flag) const {
    for (const CLI::App* app : chain_) {
      const CLI::Option* const option = app->get_option_no_throw(flag);
      if (option != nullptr) return option->get_items_expected_max() > 0;
    }
    return false;
  }

  [[nodiscard]] bool has(std::string_view flag) const {
    for (const CLI::App* app : chain_) {
      if (app->get_option_no_throw(std::string(flag)) != nullptr) return true;
    }
    return false;
  }

  /// As it is typed behind the program's: "profiles list".
  [[nodiscard]] std::string path() const { return path_of(*chain_.back()); }

  /// That of the first level, which messages name.
  [[nodiscard]] std::string name() const { return chain_.size() > 1 ? chain_[1]->get_name() : ""; }

 private:
  std::vector<const CLI::App*> chain_;
};

// Of names that mean the same, one that the command has; of a switch one of the same sense.
std::optional<std::string> own_name(const Commands& commands, std::string_view names,
                                    const std::string& typed, const Knob* knob) {
  if (commands.has(typed)) return typed;
  if (knob != nullptr && is_switch(*knob)) {  // a short name stands for the next long one
    bool meant = false;
    for (const std::string_view name : split(names, ',')) {
      if (meant && is_long(name) && commands.has(name)) return std::string(name);
      meant = meant || name == typed;
    }
    return std::nullopt;
  }
  for (const std::string_view name : split(names, ',')) {
    if (!is_many_lettered_short(name) && commands.has(name)) return std::string(name);
  }
  return std::nullopt;
}

Error unknown_flag(const Commands& commands, const std::string& typed) {
  std::string where;
  if (const std::string path = commands.path(); !path.empty()) {
    where = fmt::format(" for `{}`", path);
  }
  return {ErrorKind::usage, fmt::format("unknown option {}{}", shortened(typed), where),
          did_you_mean(nearest(typed, commands.flags()), see_help(commands.path()))};
}

// What the parser is given for one flag.
Result<std::vector<std::string>> spelled_out(const Commands& commands, const std::string& typed) {
  if (const Knob* knob = find_knob_of_flag(typed)) {
    if (auto name = own_name(commands, knob->flags, typed, knob)) return std::vector{*name};
    return tl::unexpected(refused_knob(commands.name(), typed));
  }
  if (commands.has(typed)) return std::vector{typed};
  if (const ServerFlag* flag = find_server_flag(typed)) {
    if (flag->kind == FlagKind::shorthand) {
      auto setting =
          spelled_out(commands, std::string(split(find_knob(flag->knob)->flags, ',').back()));
      if (!setting) return tl::unexpected(refused_knob(commands.name(), typed));
      setting->emplace_back(flag->text);
      return setting;
    }
    if (auto name = own_name(commands, flag->names, typed, nullptr)) return std::vector{*name};
    return tl::unexpected(refused_flag(commands.name(), typed, flag->kind));
  }
  return tl::unexpected(unknown_flag(commands, typed));
}

Status check_command(const Commands& commands, const std::string& word) {
  std::vector<std::string> names = commands.names_of_commands();
  if (std::find(names.begin(), names.end(), word) != names.end()) return {};
  for (const char* flag : {"help", "version"}) names.emplace_back(flag);
  std::optional<std::string> meant = nearest(word, names);
  if (meant) {
    const bool is_flag = *meant == "help" || *meant == "version";
    meant = is_flag ? "--" + *meant : "`" + *meant + "`";
  }
  return error(ErrorKind::usage,
               fmt::format("no command `{}{}{}`", commands.path(),
                           commands.path().empty() ? "" : " ", shortened(word)),
               did_you_mean(meant, see_help(commands.path())));
}

}  // namespace

Result<std::vector<std::string>> spell_out_flags(std::span<const char* const> argv,
                                                 const CLI::App& app) {
  std::vector<std::string> arguments;
  Commands commands(app);
  bool is_value = false;  // of the flag before it
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string argument = argv[i];
    if (argument == "--") {
      arguments.insert(arguments.end(), argv.begin() + static_cast<std::ptrdiff_t>(i), argv.end());
      break;
    }
    if (!is_a_flag(argument) || has_attached_number(argument)) {
      if (commands.wants_a_command() && !is_value) {
        if (auto known = check_command(commands, argument); !known) {
          return tl::unexpected(known.error());
        }
      }
      if (!is_value) commands.enter(argument);
      is_value = false;
      arguments.push_back(argument);
      continue;
    }
    auto words = spelled_out(commands, flag_spelling(argument));
    if (!words) return tl::unexpected(words.error());
    const std::size_t equals = argument.find('=');
    if (equals != std::string::npos && words->size() > 1) {
      return error(ErrorKind::usage, fmt::format("{} takes no value", argument.substr(0, equals)),
                   "leave out what follows it");
    }
    is_value =
        equals == std::string::npos && commands.takes_value(words->front()) && words->size() == 1;
    if (equals != std::string::npos) words->front() += argument.substr(equals);
    arguments.insert(arguments.end(), words->begin(), words->end());
  }
  return arguments;
}

std::string parser_names(const Knob& knob) {
  std::string names;
  for (const std::string_view name : split(knob.flags, ',')) {
    if (is_many_lettered_short(name)) continue;
    if (!names.empty()) names += ',';
    names += name;
    if (is_switch(knob)) names += name.starts_with("--no-") ? "{off}" : "{on}";
  }
  return names;
}

std::string also_known_as(const Knob& knob) {
  std::vector<std::string> others;
  for (const std::string_view name : split(knob.flags, ',')) {
    if (is_many_lettered_short(name)) others.emplace_back(name);
  }
  for (const ServerFlag& flag : server_flags()) {
    if (flag.knob != knob.name || flag.names.find("--") == std::string_view::npos) continue;
    others.emplace_back(flag.names.substr(flag.names.find("--")));
  }
  return others.empty() ? std::string() : fmt::format(" (also {})", fmt::join(others, ", "));
}

}  // namespace sweetspot::cli
