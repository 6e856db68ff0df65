#include "cli/man_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

// Backslashes and hyphens mean something to roff, and so do lines that begin with a dot or a quote.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  if (!out.empty() && (out.front() == '.' || out.front() == '\'')) out.insert(0, "\\&");
  return out;
}

std::string page_name(const DescribedCommand& command) {
  std::string name = command.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string option_entry(const DescribedOption& option) {
  std::string names;
  for (const std::string& flag : option.flags) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(flag));
  }
  if (option.flags.empty()) names = fmt::format("\\fI{}\\fR", roff(option.positional));
  if (!option.flags.empty() && !option.value.empty()) {
    names += fmt::format(" \\fI{}\\fR", roff(option.value));
  }
  return fmt::format(".TP\n{}\n{}\n", names, roff(option.text));
}

std::string options_of_page(const DescribedCommand& command) {
  std::string text = ".SH OPTIONS\n";
  for (const std::string& group : command.groups) {
    if (command.groups.size() > 1) text += fmt::format(".SS {}\n", roff(group));
    for (const DescribedOption& option : command.options) {
      if (option.group == group) text += option_entry(option);
    }
  }
  return text;
}

std::string commands_of_page(const DescribedCommand& command) {
  if (command.commands.empty()) return {};
  std::string text = ".SH COMMANDS\n";
  for (const DescribedCommand& sub : command.commands) {
    text += fmt::format(".TP\n\\fB{}\\fR(1)\n{}\n", roff(page_name(sub)), roff(sub.summary));
  }
  return text;
}

std::string as_it_stands(const char* title, std::string_view text) {
  if (text.empty()) return {};
  std::string out = fmt::format(".SH {}\n.nf\n", title);
  for (const std::string_view line : lines_of(text)) out += roff(line) + '\n';
  return out + ".fi\n";
}

std::string page_of(const DescribedCommand& command, const std::string& version) {
  std::string text =
      fmt::format(".TH {} 1 \"\" \"sweetspot {}\"\n", upper(page_name(command)), version);
  text += fmt::format(".SH NAME\n{} \\- {}\n", roff(page_name(command)), roff(command.summary));
  text += fmt::format(".SH SYNOPSIS\n\\fB{}\\fR {}\n", roff(command.name), roff(command.usage()));
  text += commands_of_page(command) + options_of_page(command);
  text += as_it_stands("NOTES", command.notes);
  std::string examples;
  for (const std::string& example : command.examples) examples += example + '\n';
  return text + as_it_stands("EXAMPLES", examples);
}

}  // namespace

std::vector<ManPage> man_pages(const DescribedCommand& program, const std::string& version) {
  std::vector<ManPage> pages = {{page_name(program) + ".1", page_of(program, version)}};
  for (const DescribedCommand& command : program.commands) {
    for (ManPage& page : man_pages(command, version)) pages.push_back(std::move(page));
  }
  return pages;
}

}  // namespace sweetspot::cli
