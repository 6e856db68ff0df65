#include "cli/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <vector>

namespace sweetspot::cli {
namespace {

void each_command(const DescribedCommand& command,
                  const std::function<void(const DescribedCommand&)>& act) {
  act(command);
  for (const DescribedCommand& sub : command.commands) each_command(sub, act);
}

std::vector<std::string> flags_of(const DescribedCommand& command) {
  std::vector<std::string> flags;
  for (const DescribedOption& option : command.options) {
    flags.insert(flags.end(), option.flags.begin(), option.flags.end());
  }
  return flags;
}

std::vector<std::string> names_of(const std::vector<DescribedCommand>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const DescribedCommand& command : commands) names.push_back(command.own_name());
  return names;
}

// The words behind a command's own name: "profiles list"; empty of the program.
std::string spelled_path(const DescribedCommand& command) {
  const std::size_t space = command.name.find(' ');
  return space == std::string::npos ? std::string() : command.name.substr(space + 1);
}

// In single quotes for bash, zsh and fish.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string choices_in_bash(const DescribedCommand& command) {
  std::string cases;
  for (const DescribedOption& option : command.options) {
    if (option.choices.empty()) continue;
    cases += fmt::format("        '{}|{}') words='{}' ;;\n", spelled_path(command),
                         fmt::join(option.flags, fmt::format("'|'{}|", spelled_path(command))),
                         fmt::join(option.choices, " "));
  }
  return cases;
}

// ---- zsh

// A text between brackets of _arguments.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_option(const DescribedOption& option) {
  std::string lines;
  for (const std::string& flag : option.flags) {
    std::string word = fmt::format("{}[{}]", flag, zsh_text(option.text));
    if (!option.value.empty()) {
      word +=
          fmt::format(":{}:{}", zsh_text(option.value),
                      option.choices.empty() ? std::string("_files")
                                             : fmt::format("({})", fmt::join(option.choices, " ")));
    }
    lines += "    " + shell_quoted(word) + " \\\n";
  }
  return lines;
}

std::string zsh_function_name(const DescribedCommand& command) {
  std::string name = "_" + command.name;
  for (char& c : name) {
    if (c == ' ') c = '_';
  }
  return name;
}

std::string zsh_function(const DescribedCommand& command) {
  std::string text = zsh_function_name(command) + "() {\n";
  if (command.commands.empty()) {
    text += "  _arguments -s \\\n";
    for (const DescribedOption& option : command.options) text += zsh_option(option);
    return text + "    '*:file:_files'\n}\n\n";
  }
  text += "  local line state\n  _arguments -C -s \\\n";
  for (const DescribedOption& option : command.options) text += zsh_option(option);
  text +=
      "    '1: :->command' \\\n    '*::argument:->rest'\n  case $state in\n  command)\n"
      "    local -a commands=(\n";
  for (const DescribedCommand& sub : command.commands) {
    text +=
        "      " + shell_quoted(fmt::format("{}:{}", sub.own_name(), zsh_text(sub.summary))) + "\n";
  }
  text += "    )\n    _describe command commands\n    ;;\n  rest)\n    case $line[1] in\n";
  for (const DescribedCommand& sub : command.commands) {
    text += fmt::format("    {}) {} ;;\n", sub.own_name(), zsh_function_name(sub));
  }
  return text + "    esac\n    ;;\n  esac\n}\n\n";
}

// ---- fish

std::string fish_condition(const DescribedCommand& command, const DescribedCommand& program) {
  const std::string path = spelled_path(command);
  if (path.empty()) {
    return fmt::format("not __fish_seen_subcommand_from {}",
                       fmt::join(names_of(program.commands), " "));
  }
  std::string condition;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    condition += fmt::format("{}__fish_seen_subcommand_from {}", condition.empty() ? "" : "; and ",
                             rest.substr(0, space));
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  if (!command.commands.empty()) {
    condition += fmt::format("; and not __fish_seen_subcommand_from {}",
                             fmt::join(names_of(command.commands), " "));
  }
  return condition;
}

std::string fish_option(const DescribedOption& option, const std::string& condition) {
  if (option.flags.empty()) return {};
  std::string line = fmt::format("complete -c sweetspot -n {}", shell_quoted(condition));
  for (const std::string& flag : option.flags) {
    line += flag.starts_with("--") ? " -l " + flag.substr(2) : " -s " + flag.substr(1);
  }
  if (!option.choices.empty()) {
    line +=
        fmt::format(" -x -a {}", shell_quoted(fmt::format("{}", fmt::join(option.choices, " "))));
  } else if (!option.value.empty()) {
    line += " -r";
  }
  return line + " -d " + shell_quoted(option.text) + "\n";
}

}  // namespace

std::string bash_completion(const DescribedCommand& program) {
  std::string commands;
  std::string options;
  std::string choices;
  each_command(program, [&](const DescribedCommand& command) {
    commands += fmt::format("    '{}') words='{}' ;;\n", spelled_path(command),
                            fmt::join(names_of(command.commands), " "));
    options += fmt::format("    '{}') words='{}' ;;\n", spelled_path(command),
                           fmt::join(flags_of(command), " "));
    choices += choices_in_bash(command);
  });
  return fmt::format(R"(# bash completion for sweetspot, written by its build from its own options
_sweetspot_words() {{ # what=commands|options, path of the command
  local words=
  if [[ $1 == commands ]]; then
    case $2 in
{}    esac
  else
    case $2 in
{}    esac
  fi
  printf '%s' "$words"
}}

_sweetspot() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} path= word words=
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    [[ $word == -- ]] && return
    if [[ " $(_sweetspot_words commands "$path") " == *" $word "* ]]; then
      path=${{path:+$path }}$word
    fi
  done
  case "$path|$previous" in
{}  esac
  if [[ -z $words ]]; then
    if [[ $current == -* ]]; then
      words=$(_sweetspot_words options "$path")
    else
      words=$(_sweetspot_words commands "$path")
    fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ ${{#COMPREPLY[@]}} -eq 0 && $current != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
  fi
}}
complete -F _sweetspot sweetspot
)",
                     commands, options, choices);
}

std::string zsh_completion(const DescribedCommand& program) {
  std::string text =
      "#compdef sweetspot\n# zsh completion for sweetspot, written by its build from its own "
      "options\n\n";
  each_command(program, [&](const DescribedCommand& command) { text += zsh_function(command); });
  return text + "_sweetspot \"$@\"\n";
}

std::string fish_completion(const DescribedCommand& program) {
  std::string text = "# fish completion for sweetspot, written by its build from its own options\n";
  each_command(program, [&](const DescribedCommand& command) {
    const std::string condition = fish_condition(command, program);
    for (const DescribedCommand& sub : command.commands) {
      text += fmt::format("complete -c sweetspot -n {} -f -a {} -d {}\n", shell_quoted(condition),
                          shell_quoted(sub.own_name()), shell_quoted(sub.summary));
    }
    for (const DescribedOption& option : command.options) text += fish_option(option, condition);
  });
  return text;
}

}  // namespace sweetspot::cli
