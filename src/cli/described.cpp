#include "cli/described.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>

#include "cli/basic_options.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

// What CLI11 calls the types of C++, which mean nothing to a user.
constexpr std::array<std::string_view, 6> kTypesOfCode = {"TEXT",  "INT",     "UINT",
                                                          "FLOAT", "BOOLEAN", "ENUM"};

// "chat,rag,code" of "NAME:{chat,rag,code}".
std::vector<std::string> choices_of(std::string_view type) {
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}');
  std::vector<std::string> choices;
  if (open == std::string_view::npos || close == std::string_view::npos) return choices;
  for (const std::string_view word : split(type.substr(open + 1, close - open - 1), ',')) {
    choices.emplace_back(trimmed(word));
  }
  return choices;
}

// "SECONDS" of "SECONDS:POSITIVE": CLI11 puts the name of a check behind that of the value.
std::string_view without_check(std::string_view type) {
  constexpr std::array<std::string_view, 6> kChecks = {":{",   ":POSITIVE", ":NONNEGATIVE",
                                                       ":INT", ":UINT",     ":FLOAT"};
  for (const std::string_view check : kChecks) type = type.substr(0, type.find(check));
  return type;
}

std::string value_of(const CLI::Option& option, const std::vector<std::string>& choices) {
  if (option.get_items_expected_max() == 0) return {};
  const std::string type = option.get_type_name();
  const std::string_view word = without_check(type);
  const bool says_something = !word.empty() && std::find(kTypesOfCode.begin(), kTypesOfCode.end(),
                                                         word) == kTypesOfCode.end();
  if (says_something) return std::string(word);
  if (!choices.empty()) return fmt::format("{}", fmt::join(choices, "|"));
  return option.get_positional() ? option.get_name(true) : "VALUE";
}

DescribedOption described(const CLI::Option& option) {
  DescribedOption text;
  for (const std::string& name : option.get_snames()) text.flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) text.flags.push_back("--" + name);
  const bool is_flag = option.get_items_expected_max() == 0;
  if (!is_flag) text.choices = choices_of(option.get_type_name());
  if (option.get_positional()) text.positional = option.get_name(true);
  if (!is_flag)
    text.value = text.positional.empty() ? value_of(option, text.choices) : text.positional;
  text.text = capitalised(option.get_description());
  const std::string usual = option.get_default_str();
  if (!is_flag && !usual.empty() && !text.text.ends_with(']')) {
    std::string shown = usual;
    std::erase_if(shown, [](char c) { return c == '[' || c == ']' || c == '"'; });
    if (!shown.empty()) text.text += fmt::format(" [{}]", shown);
  }
  text.group = option.get_group();
  text.required = option.get_required();
  return text;
}

// The place among the basic options of the command; nothing where it is none.
std::optional<std::size_t> basic_place(std::span<const std::string_view> basic,
                                       const DescribedOption& option) {
  for (std::size_t i = 0; i < basic.size(); ++i) {
    if (std::find(option.flags.begin(), option.flags.end(), basic[i]) != option.flags.end()) {
      return i;
    }
  }
  return std::nullopt;
}

bool is_help(const DescribedOption& option) {
  return std::find(option.flags.begin(), option.flags.end(), "--help") != option.flags.end() ||
         std::find(option.flags.begin(), option.flags.end(), "-h") != option.flags.end();
}

std::vector<DescribedOption> options_of(const CLI::App& app) {
  const auto basic = basic_options(app.get_name());
  std::vector<DescribedOption> first(basic.size());
  std::vector<DescribedOption> rest;
  std::vector<DescribedOption> last;
  for (const CLI::Option* option : app.get_options({})) {
    if (option->get_group().empty()) continue;
    DescribedOption text = described(*option);
    const auto place = basic_place(basic, text);
    const bool is_basic = place || basic.empty() || is_help(text) || text.required;
    if (is_basic) text.group = kBasicGroup;
    if (place) {
      first[*place] = std::move(text);
    } else if (is_help(text)) {
      last.push_back(std::move(text));
    } else {
      rest.push_back(std::move(text));
    }
  }
  std::erase_if(first, [](const auto& one) { return one.flags.empty(); });
  // The model comes before all, help after the other basic ones.
  const auto positional = std::stable_partition(
      rest.begin(), rest.end(), [](const auto& one) { return one.group == kBasicGroup; });
  first.insert(first.begin(), rest.begin(), positional);
  first.insert(first.end(), last.begin(), last.end());
  first.insert(first.end(), positional, rest.end());
  return first;
}

// What is decided first comes first; groups that are not named here keep their order at the end.
constexpr std::array<std::string_view, 12> kOrderOfGroups = {
    kBasicGroup,    "Search",   "What to plan",
    "Requirements", "Workload", "Limits",
    "Placement",    "Context",  "Memory that may be used",
    "Precision",    "Profiles", "Program"};

std::vector<std::string> groups_of(const std::vector<DescribedOption>& options) {
  std::vector<std::string> groups;
  for (const DescribedOption& option : options) {
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  const auto rank = [](const std::string& group) {
    return std::find(kOrderOfGroups.begin(), kOrderOfGroups.end(), group) - kOrderOfGroups.begin();
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  return groups;
}

void take_footer(const std::string& footer, DescribedCommand& command) {
  bool in_examples = false;
  for (const std::string_view line : lines_of(footer)) {
    if (line == "Examples:") {
      in_examples = true;
    } else if (in_examples && !line.empty()) {
      command.examples.emplace_back(trimmed(line));
    } else if (!in_examples && !(line.empty() && command.notes.empty())) {
      command.notes += std::string(line) + '\n';
    }
  }
  while (command.notes.ends_with("\n\n")) command.notes.pop_back();
}

DescribedCommand described_command(const CLI::App& app, const std::string& above) {
  DescribedCommand command;
  command.name = above.empty() ? app.get_name() : above + " " + app.get_name();
  command.summary = app.get_description();
  command.options = options_of(app);
  command.groups = groups_of(command.options);
  take_footer(app.get_footer(), command);
  for (const CLI::App* sub : app.get_subcommands({})) {
    command.commands.push_back(described_command(*sub, command.name));
  }
  return command;
}

}  // namespace

std::string DescribedCommand::usage() const {
  std::string text = commands.empty() ? "[options]" : "COMMAND [options]";
  for (const DescribedOption& option : options) {
    if (option.positional.empty()) continue;
    text += option.required ? " " + option.positional : fmt::format(" [{}]", option.positional);
  }
  return text;
}

DescribedCommand describe(const CLI::App& app) {
  std::string above;
  for (const CLI::App* parent = app.get_parent(); parent != nullptr;
       parent = parent->get_parent()) {
    if (!above.empty()) above.insert(0, " ");
    above.insert(0, parent->get_name());
  }
  return described_command(app, above);
}

}  // namespace sweetspot::cli
