#include "cli/help.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ground/pieces.hpp"
#include "report/table.hpp"

namespace sweetspot::cli {
namespace {

constexpr int kMargin = 2;
constexpr int kWidestPage = 100;
constexpr int kTextColumn = 26;

int page_width(int width) { return std::min(width, kWidestPage); }

// A name, and what it stands for in a column of its own.
std::string entry(const std::string& name, const std::string& text, int width, int column) {
  const int used = kMargin + report::display_width(name);
  std::string line(kMargin, ' ');
  line += name;
  if (used + kMargin > column) {
    line += '\n';
    line.append(static_cast<std::size_t>(column), ' ');
  } else {
    line.append(static_cast<std::size_t>(column - used), ' ');
  }
  // wrap() counts from the start of its text, so the name goes before it.
  std::string padding(static_cast<std::size_t>(column), ' ');
  const std::string wrapped = report::wrap(padding + text, width, column);
  return line + wrapped.substr(static_cast<std::size_t>(column)) + '\n';
}

std::string names_of(const DescribedOption& option) {
  if (option.flags.empty()) return option.positional;
  std::string names = fmt::format("{}", fmt::join(option.flags, ", "));
  if (!option.value.empty()) names += " " + option.value;
  return names;
}

std::string options_in(const DescribedCommand& command, std::string_view group, int width) {
  std::string text;
  for (const DescribedOption& option : command.options) {
    if (option.group == group) text += entry(names_of(option), option.text, width, kTextColumn);
  }
  return text;
}

std::string commands_of(const DescribedCommand& command, int width) {
  std::string text;
  constexpr int kCommandColumn = 12;
  for (const DescribedCommand& sub : command.commands) {
    text += entry(sub.own_name(), sub.summary, width, kCommandColumn);
  }
  return text.empty() ? text : "\nCommands\n" + text;
}

std::string head(const DescribedCommand& command, int width) {
  return report::wrap(command.summary, width, 0) +
         fmt::format("\n\nUsage: {} {}\n", command.name, command.usage());
}

// An example is a command and, behind two spaces, what it is for: below it where the line is short.
std::string example_line(const std::string& example, int width) {
  const std::size_t gap = example.find("  ");
  if (gap == std::string::npos) return fmt::format("  {}\n", example);
  const std::string command = example.substr(0, gap);
  const std::string_view what = trimmed(std::string_view(example).substr(gap));
  constexpr std::size_t kWhatColumn = 42;
  const std::string line = fmt::format("  {:<{}}  {}", command, kWhatColumn, what);
  if (report::display_width(line) <= width) return line + '\n';
  return fmt::format("  {}\n      {}\n", command, what);
}

std::string examples_of(const DescribedCommand& command, std::size_t most, int width) {
  std::string text;
  for (std::size_t i = 0; i < std::min(most, command.examples.size()); ++i) {
    text += example_line(command.examples[i], width);
  }
  return text.empty() ? text : "\n" + text;
}

std::string wrapped_lines(std::string_view text, int width) {
  std::string out;
  for (const std::string_view line : lines_of(text)) {
    const std::size_t lead = std::min(line.find_first_not_of(' '), line.size());
    out += report::wrap(line, width, static_cast<int>(lead) + kMargin) + '\n';
  }
  return out;
}

}  // namespace

std::string short_help(const DescribedCommand& command, int width) {
  width = page_width(width);
  constexpr std::size_t kExamples = 3;
  std::string text =
      head(command, width) + examples_of(command, kExamples, width) + commands_of(command, width);
  text += fmt::format("\n{}\n{}", command.groups.size() > 1 ? kBasicGroup : "Options",
                      options_in(command, kBasicGroup, width));
  if (!command.commands.empty()) {
    text += fmt::format("\nOf a command: {} COMMAND -h\n", command.name);
  } else if (command.groups.size() > 1) {
    text += fmt::format("\nAll options: {} --help\n", command.name);
  }
  return text;
}

std::string long_help(const DescribedCommand& command, int width) {
  width = page_width(width);
  std::string text = head(command, width) + commands_of(command, width);
  for (const std::string& group : command.groups) {
    text += fmt::format("\n{}\n{}", command.groups.size() > 1 ? group : "Options",
                        options_in(command, group, width));
  }
  if (!command.notes.empty()) text += "\n" + wrapped_lines(command.notes, width);
  if (!command.examples.empty()) {
    text += "\nExamples:" + examples_of(command, command.examples.size(), width);
  }
  return text;
}

}  // namespace sweetspot::cli
